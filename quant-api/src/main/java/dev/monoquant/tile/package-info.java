/**
 * What flows through a scheme: a {@link dev.monoquant.tile.Tile} of numbers in, a {@link
 * dev.monoquant.tile.EncodedTile} of codes out, both shaped by an {@link
 * dev.monoquant.tile.Encoding}.
 */
@NullMarked
package dev.monoquant.tile;

import org.jspecify.annotations.NullMarked;
