/**
 * How quantized weights lie in tensors: a {@link dev.monoquant.layout.WeightLayout} stores tiles of
 * parts and reads them back, for every format, store and fake.
 */
@NullMarked
package dev.monoquant.layout;

import org.jspecify.annotations.NullMarked;
