/** Benchmarks of the parts (JMH) and of the whole (against {@code cp}); never published. */
@NullMarked
package dev.monoquant.bench;

import org.jspecify.annotations.NullMarked;
