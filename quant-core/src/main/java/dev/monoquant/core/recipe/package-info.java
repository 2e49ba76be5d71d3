/** Converts configurations to recipes with the keys of compressed-tensors, and back. */
@NullMarked
package dev.monoquant.core.recipe;

import org.jspecify.annotations.NullMarked;
