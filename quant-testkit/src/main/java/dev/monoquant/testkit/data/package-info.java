/**
 * Inputs for tests of plugins, each generated from a few numbers that recreate it exactly. Needs no
 * test engine; {@link dev.monoquant.testkit.contracts.Samples} provides the same for jqwik.
 */
@NullMarked
package dev.monoquant.testkit.data;

import org.jspecify.annotations.NullMarked;
