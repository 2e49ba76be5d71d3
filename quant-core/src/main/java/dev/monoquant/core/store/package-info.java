/** What holds the codes of a quantized model at hand. */
@NullMarked
package dev.monoquant.core.store;

import org.jspecify.annotations.NullMarked;
