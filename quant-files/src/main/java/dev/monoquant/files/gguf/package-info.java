/** GGUF files as containers of tensors. */
@NullMarked
package dev.monoquant.files.gguf;

import org.jspecify.annotations.NullMarked;
