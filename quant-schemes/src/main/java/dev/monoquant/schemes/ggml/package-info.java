/** The quantization of ggml, in its blocks of 32, 64 or 256 columns, with ggml's own arithmetic. */
@NullMarked
package dev.monoquant.schemes.ggml;

import org.jspecify.annotations.NullMarked;
