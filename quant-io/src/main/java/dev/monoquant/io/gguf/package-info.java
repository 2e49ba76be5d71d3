/** GGUF files. */
@NullMarked
package dev.monoquant.io.gguf;

import org.jspecify.annotations.NullMarked;
