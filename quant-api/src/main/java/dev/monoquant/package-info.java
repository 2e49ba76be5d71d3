/**
 * Values that every part of the framework shares: the configuration, problems as values, and the
 * exception family.
 *
 * <p>Nothing in this module quantizes, reads or writes. It holds immutable values and the
 * interfaces that plugins implement; {@link dev.monoquant.spi} is the place to start for plugin
 * authors.
 */
@NullMarked
package dev.monoquant;

import org.jspecify.annotations.NullMarked;
