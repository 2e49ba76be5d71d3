/**
 * The command line application.
 *
 * <p>Speaks to people: commands, recipes, progress and reports. No library module depends on it.
 */
@NullMarked
package dev.monoquant.cli;

import org.jspecify.annotations.NullMarked;
