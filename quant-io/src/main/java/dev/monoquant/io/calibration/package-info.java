/** Reads statistics of the inputs of layers, for calibrated quantization. */
@NullMarked
package dev.monoquant.io.calibration;

import org.jspecify.annotations.NullMarked;
