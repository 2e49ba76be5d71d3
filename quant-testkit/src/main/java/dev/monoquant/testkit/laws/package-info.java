/**
 * The laws for plugins, as plain static methods that need no test engine.
 *
 * <p>A law returns normally if it holds; otherwise it throws a {@link
 * dev.monoquant.testkit.laws.LawViolation} that names the law, the plugin, the input and the
 * values. An exception of the plugin is not caught, unless the law is about exceptions.
 */
@NullMarked
package dev.monoquant.testkit.laws;

import org.jspecify.annotations.NullMarked;
