/**
 * Plans a quantization and runs it.
 *
 * <p>Turns a model and a configuration into a plan, and a plan into a quantized model, tile by tile
 * in bounded memory. Uses only interfaces; the service loader finds the implementations.
 */
@NullMarked
package dev.monoquant.core;

import org.jspecify.annotations.NullMarked;
