/**
 * The command line application.
 *
 * <p>Contains commands, recipe files, progress and reports. No library module depends on it.
 */
@NullMarked
package dev.monoquant.cli;

import org.jspecify.annotations.NullMarked;
