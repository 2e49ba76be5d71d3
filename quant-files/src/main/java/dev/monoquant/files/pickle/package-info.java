/**
 * Pickles as inert data: values, containers, and names of what Python would call, never called.
 *
 * <p>Nothing here looks up a class, calls anything or recurses over what a file says.
 */
@NullMarked
package dev.monoquant.files.pickle;

import org.jspecify.annotations.NullMarked;
