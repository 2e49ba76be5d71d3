/** PyTorch checkpoints: files of {@code torch.save} as bare state dicts. */
@NullMarked
package dev.monoquant.io.checkpoint;

import org.jspecify.annotations.NullMarked;
