/**
 * Values shared by every part of the framework: the configuration, problems, and the exceptions.
 *
 * <p>Nothing in this module quantizes, reads or writes. It holds immutable values and the
 * interfaces that plugins implement; {@link dev.monoquant.spi} is the place to start for plugin
 * authors.
 */
@NullMarked
package dev.monoquant;

import org.jspecify.annotations.NullMarked;
