/** An output that several machines write: its plan as a value, and how work is divided. */
@NullMarked
package dev.monoquant.core.split;

import org.jspecify.annotations.NullMarked;
