/**
 * Quantizes what a plan says: statistics pass, tiles, checks of every cell, error statistics; and
 * decodes again.
 */
@NullMarked
package dev.monoquant.core.run;

import org.jspecify.annotations.NullMarked;
