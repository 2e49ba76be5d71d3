/** Vocabularies and tokenizers of model directories, as GGUF files describe them. */
@NullMarked
package dev.monoquant.io.tokenizer;

import org.jspecify.annotations.NullMarked;
