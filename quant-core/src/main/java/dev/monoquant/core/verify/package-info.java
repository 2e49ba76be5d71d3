/** Reads an output again, and compares two models. */
@NullMarked
package dev.monoquant.core.verify;

import org.jspecify.annotations.NullMarked;
