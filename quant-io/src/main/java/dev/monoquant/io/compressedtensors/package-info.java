/** Model directories in the format of compressed-tensors. */
@NullMarked
package dev.monoquant.io.compressedtensors;

import org.jspecify.annotations.NullMarked;
