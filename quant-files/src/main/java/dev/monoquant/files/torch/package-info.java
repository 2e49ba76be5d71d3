/** What checkpoints and TorchScript archives have in common: records, storages and tensors. */
@NullMarked
package dev.monoquant.files.torch;

import org.jspecify.annotations.NullMarked;
