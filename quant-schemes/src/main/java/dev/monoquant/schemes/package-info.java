/**
 * The built-in schemes and layer quantizers.
 *
 * <p>A scheme says how numbers become codes and back; a layer quantizer says which numbers.
 */
@NullMarked
package dev.monoquant.schemes;

import org.jspecify.annotations.NullMarked;
