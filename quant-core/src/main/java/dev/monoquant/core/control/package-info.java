/**
 * What a caller hands to a quantizer beside a model and a configuration: progress, cancellation,
 * samples, statistics of columns.
 */
@NullMarked
package dev.monoquant.core.control;

import org.jspecify.annotations.NullMarked;
