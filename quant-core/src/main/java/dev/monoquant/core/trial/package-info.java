/** Runs original and result side by side before an output is accepted. */
@NullMarked
package dev.monoquant.core.trial;

import org.jspecify.annotations.NullMarked;
