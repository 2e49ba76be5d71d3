/**
 * Reads live DJL objects: models, blocks, lists and maps of arrays.
 *
 * <p>The caller's arrays are read through aliases; they are never written, closed or moved to
 * another manager.
 */
@NullMarked
package dev.monoquant.io.memory;

import org.jspecify.annotations.NullMarked;
