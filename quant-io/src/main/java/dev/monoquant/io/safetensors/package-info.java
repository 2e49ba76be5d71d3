/** The safetensors format: single files, model directories, and self-describing quantized files. */
@NullMarked
package dev.monoquant.io.safetensors;

import org.jspecify.annotations.NullMarked;
