/** Values as text and as JSON, the same in every locale. */
@NullMarked
package dev.monoquant.core.text;

import org.jspecify.annotations.NullMarked;
