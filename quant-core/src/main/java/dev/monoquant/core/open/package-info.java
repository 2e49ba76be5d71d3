/** Opens inputs and chooses outputs, with the options that are their own. */
@NullMarked
package dev.monoquant.core.open;

import org.jspecify.annotations.NullMarked;
