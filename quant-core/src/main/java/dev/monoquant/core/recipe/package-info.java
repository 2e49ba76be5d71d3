/** Configurations as recipes, in the words of compressed-tensors, and back. */
@NullMarked
package dev.monoquant.core.recipe;

import org.jspecify.annotations.NullMarked;
