/**
 * How quantized weights are stored in tensors: a {@link dev.monoquant.layout.WeightLayout} stores
 * tiles of parts and reads them back; all formats, stores and test fakes use it.
 */
@NullMarked
package dev.monoquant.layout;

import org.jspecify.annotations.NullMarked;
