/**
 * Tests for those who extend Mono Quant.
 *
 * <p>Laws are plain static methods, contracts are test interfaces around the laws, fakes stand in
 * for the rest of the pipeline.
 */
@NullMarked
package dev.monoquant.testkit;

import org.jspecify.annotations.NullMarked;
