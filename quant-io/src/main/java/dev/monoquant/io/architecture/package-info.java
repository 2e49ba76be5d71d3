/** How models of transformers are stored in GGUF files. */
@NullMarked
package dev.monoquant.io.architecture;

import org.jspecify.annotations.NullMarked;
