/**
 * What every plugin must do, as plain static methods: no test engine is needed to call them.
 *
 * <p>A law returns normally if it holds and throws a {@link
 * dev.monoquant.testkit.laws.LawViolation} that names itself, the plugin, the input and the values
 * if it does not. An exception that the plugin throws passes through untouched, unless the law is
 * about exceptions.
 */
@NullMarked
package dev.monoquant.testkit.laws;

import org.jspecify.annotations.NullMarked;
