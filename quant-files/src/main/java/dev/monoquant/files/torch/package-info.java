/** The common parts of checkpoints and TorchScript archives: records, storages and tensors. */
@NullMarked
package dev.monoquant.files.torch;

import org.jspecify.annotations.NullMarked;
