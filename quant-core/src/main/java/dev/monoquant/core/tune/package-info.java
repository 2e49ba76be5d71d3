/** Chooses how each layer is quantized, by what that costs the outputs of the model. */
@NullMarked
package dev.monoquant.core.tune;

import org.jspecify.annotations.NullMarked;
