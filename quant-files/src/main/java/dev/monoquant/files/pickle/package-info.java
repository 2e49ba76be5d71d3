/**
 * Pickles as inert data: values, containers, and the names of callables, which are never called.
 *
 * <p>No code here looks up a class, calls a callable or recurses over the contents of a file.
 */
@NullMarked
package dev.monoquant.files.pickle;

import org.jspecify.annotations.NullMarked;
