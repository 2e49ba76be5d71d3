/** The kernels in vector instructions. */
@NullMarked
package dev.monoquant.vector;

import org.jspecify.annotations.NullMarked;
