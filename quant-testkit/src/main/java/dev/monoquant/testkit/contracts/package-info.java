/**
 * The laws as test interfaces: implement one, return the subject, and run it with JUnit.
 *
 * <p>The tests are jqwik properties, so the jqwik engine must be on the test class path ({@code
 * net.jqwik:jqwik}). A failure prints the smallest input that was found, the seed that repeats it
 * ({@code @Property(seed = "...")}), and the line that repeats it without a test engine.
 */
@NullMarked
package dev.monoquant.testkit.contracts;

import org.jspecify.annotations.NullMarked;
