/** The quantization of ggml, in blocks of 32 columns, with ggml's own arithmetic. */
@NullMarked
package dev.monoquant.schemes.ggml;

import org.jspecify.annotations.NullMarked;
