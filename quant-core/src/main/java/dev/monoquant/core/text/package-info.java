/** Formats values as text and as JSON, independent of the locale. */
@NullMarked
package dev.monoquant.core.text;

import org.jspecify.annotations.NullMarked;
