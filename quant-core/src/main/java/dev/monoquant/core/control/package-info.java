/**
 * Arguments of a quantizer besides the model and the configuration: progress, cancellation, and
 * samples.
 */
@NullMarked
package dev.monoquant.core.control;

import org.jspecify.annotations.NullMarked;
