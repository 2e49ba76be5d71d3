/**
 * Which tensors of the layers of PyTorch are weights, and which axis of each is its outputs.
 *
 * <p>A tensor is taken if its name and its number of dimensions are those of its layer's kind, if
 * it is of floating point, and if it is not empty; anything else is left alone.
 */
@NullMarked
package dev.monoquant.schemes.layers;

import org.jspecify.annotations.NullMarked;
