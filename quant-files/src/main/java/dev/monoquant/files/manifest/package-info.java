/**
 * The manifest of an output: the hashes of inputs, tensors and side files, and its quantized
 * weights as JSON.
 */
@NullMarked
package dev.monoquant.files.manifest;

import org.jspecify.annotations.NullMarked;
