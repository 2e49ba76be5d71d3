/**
 * The input and output of a scheme: it takes a {@link dev.monoquant.tile.Tile} of values and
 * returns an {@link dev.monoquant.tile.EncodedTile} of codes, as described by an {@link
 * dev.monoquant.tile.Encoding}.
 */
@NullMarked
package dev.monoquant.tile;

import org.jspecify.annotations.NullMarked;
