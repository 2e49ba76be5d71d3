/**
 * Fakes of the pipeline around a plugin: tiles, models and outputs in memory that enforce their
 * protocol, and plugins that misbehave on purpose.
 */
@NullMarked
package dev.monoquant.testkit.fakes;

import org.jspecify.annotations.NullMarked;
