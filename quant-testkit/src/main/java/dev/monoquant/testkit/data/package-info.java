/**
 * Inputs to try a plugin on, each made from a few numbers that recreate it exactly. No test engine
 * is needed here; {@link dev.monoquant.testkit.contracts.Samples} offers the same to jqwik.
 */
@NullMarked
package dev.monoquant.testkit.data;

import org.jspecify.annotations.NullMarked;
