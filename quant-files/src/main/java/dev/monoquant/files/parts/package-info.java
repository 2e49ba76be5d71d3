/** The description of a quantized weight as JSON. */
@NullMarked
package dev.monoquant.files.parts;

import org.jspecify.annotations.NullMarked;
