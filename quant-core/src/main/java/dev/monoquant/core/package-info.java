/**
 * Plans a quantization and runs it.
 *
 * <p>Turns a model and a configuration into a plan, and a plan into a quantized model: tile by
 * tile, in bounded memory, from interfaces only. What implements them is found by the service
 * loader.
 */
@NullMarked
package dev.monoquant.core;

import org.jspecify.annotations.NullMarked;
