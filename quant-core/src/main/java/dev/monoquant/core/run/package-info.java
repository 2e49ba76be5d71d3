/**
 * Quantizes the planned weights: statistics pass, tiles, checks of every cell, error statistics;
 * and decodes them.
 */
@NullMarked
package dev.monoquant.core.run;

import org.jspecify.annotations.NullMarked;
