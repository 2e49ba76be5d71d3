/**
 * The built-in schemes and layer quantizers.
 *
 * <p>A scheme converts weights to codes and back; a layer quantizer selects the weights.
 */
@NullMarked
package dev.monoquant.schemes;

import org.jspecify.annotations.NullMarked;
