/** Quantization that other projects wrote and that this version does not decode. */
@NullMarked
package dev.monoquant.core.foreign;

import org.jspecify.annotations.NullMarked;
