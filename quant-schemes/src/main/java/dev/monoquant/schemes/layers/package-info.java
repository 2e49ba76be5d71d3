/**
 * Selects the weights of PyTorch layers and their output axis.
 *
 * <p>A tensor is selected if its name and its number of dimensions match its layer's kind, if it is
 * floating point, and if it is not empty.
 */
@NullMarked
package dev.monoquant.schemes.layers;

import org.jspecify.annotations.NullMarked;
