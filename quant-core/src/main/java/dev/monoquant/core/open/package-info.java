/** Opens inputs and chooses outputs, with their own options. */
@NullMarked
package dev.monoquant.core.open;

import org.jspecify.annotations.NullMarked;
