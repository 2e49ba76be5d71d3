/**
 * The loops that touch every number of a model, behind an interface that faster code can implement.
 */
@NullMarked
package dev.monoquant.kernel;

import org.jspecify.annotations.NullMarked;
