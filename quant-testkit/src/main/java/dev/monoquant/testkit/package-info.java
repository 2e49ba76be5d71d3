/**
 * A test kit for plugins of Mono Quant.
 *
 * <p>Laws are plain static methods, contracts are test interfaces around the laws, fakes replace
 * the rest of the pipeline.
 */
@NullMarked
package dev.monoquant.testkit;

import org.jspecify.annotations.NullMarked;
