/** Decides from names, types and shapes which weights are quantized, and how. */
@NullMarked
package dev.monoquant.core.plan;

import org.jspecify.annotations.NullMarked;
