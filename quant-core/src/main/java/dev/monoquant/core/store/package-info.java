/** The stores that hold the codes of a quantized model. */
@NullMarked
package dev.monoquant.core.store;

import org.jspecify.annotations.NullMarked;
