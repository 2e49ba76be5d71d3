/**
 * Arguments of a quantizer besides the model and the configuration: progress, cancellation,
 * samples, and statistics of columns.
 */
@NullMarked
package dev.monoquant.core.control;

import org.jspecify.annotations.NullMarked;
