/** A quantized model, in memory or in a temporary file. */
@NullMarked
package dev.monoquant.core.hand;

import org.jspecify.annotations.NullMarked;
