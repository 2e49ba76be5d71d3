/** Moves factors of the inputs of layers into their weights before these are quantized. */
@NullMarked
package dev.monoquant.core.edit;

import org.jspecify.annotations.NullMarked;
