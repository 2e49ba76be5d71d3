/**
 * Parts of quantized weights as bytes: packing of codes below a byte, and the description of a
 * weight as JSON.
 */
@NullMarked
package dev.monoquant.files.parts;

import org.jspecify.annotations.NullMarked;
