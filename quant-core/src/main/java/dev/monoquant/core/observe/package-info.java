/** Collects statistics of the inputs of layers. */
@NullMarked
package dev.monoquant.core.observe;

import org.jspecify.annotations.NullMarked;
