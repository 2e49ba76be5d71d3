/**
 * The safetensors format: single files, model directories, and our own self-describing quantized
 * files.
 */
@NullMarked
package dev.monoquant.io.safetensors;

import org.jspecify.annotations.NullMarked;
