package dev.monoquant.core;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import java.util.Map;

/** Puts decoded tensors into the parameters of a fresh block. */
@SuppressWarnings("DoNotCallSuggester")
final class BlockFiller {
  private BlockFiller() {}

  static void fill(Block block, Map<String, NDArray> tensors, NDManager manager) {
    throw new UnsupportedOperationException(block + " " + tensors.size() + " " + manager);
  }
}
