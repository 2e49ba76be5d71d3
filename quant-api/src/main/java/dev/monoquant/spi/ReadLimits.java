package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;

/**
 * How much a reader believes. A model file is untrusted input: whatever is over a limit is refused
 * with the value, the limit and the name of the setting.
 *
 * @param maxHeaderBytes bytes of a safetensors header; 100,000,000 as in the reference
 * @param maxIndexBytes bytes of a shard index or a side file that is parsed
 * @param maxTensors tensors in a model
 * @param maxNameLength characters of a tensor's name
 * @param maxRank dimensions of a tensor
 * @param maxDepth nesting of JSON
 * @param maxShards files of a sharded model
 */
public record ReadLimits(
    long maxHeaderBytes,
    long maxIndexBytes,
    int maxTensors,
    int maxNameLength,
    int maxRank,
    int maxDepth,
    int maxShards) {

  /** What a careful person would choose: no published model comes near, no attack gets far. */
  public static final ReadLimits DEFAULT =
      new ReadLimits(100_000_000, 10 << 20, 1_000_000, 64 << 10, 64, 64, 10_000);

  /** Checks that all limits are positive. */
  public ReadLimits {
    require("maxHeaderBytes", maxHeaderBytes);
    require("maxIndexBytes", maxIndexBytes);
    require("maxTensors", maxTensors);
    require("maxNameLength", maxNameLength);
    require("maxRank", maxRank);
    require("maxDepth", maxDepth);
    require("maxShards", maxShards);
  }

  private static void require(String name, long value) {
    if (value < 1) {
      throw new ConfigurationException(
          "limit " + name + " is " + value + "; at least 1 is allowed");
    }
  }

  /**
   * {@return these limits with that one changed}
   *
   * @param bytes bytes of a safetensors header
   */
  public ReadLimits withMaxHeaderBytes(long bytes) {
    return new ReadLimits(
        bytes, maxIndexBytes, maxTensors, maxNameLength, maxRank, maxDepth, maxShards);
  }

  /**
   * {@return these limits with that one changed}
   *
   * @param bytes bytes of a shard index or side file
   */
  public ReadLimits withMaxIndexBytes(long bytes) {
    return new ReadLimits(
        maxHeaderBytes, bytes, maxTensors, maxNameLength, maxRank, maxDepth, maxShards);
  }

  /**
   * {@return these limits with that one changed}
   *
   * @param tensors tensors in a model
   */
  public ReadLimits withMaxTensors(int tensors) {
    return new ReadLimits(
        maxHeaderBytes, maxIndexBytes, tensors, maxNameLength, maxRank, maxDepth, maxShards);
  }

  /**
   * {@return these limits with that one changed}
   *
   * @param shards files of a sharded model
   */
  public ReadLimits withMaxShards(int shards) {
    return new ReadLimits(
        maxHeaderBytes, maxIndexBytes, maxTensors, maxNameLength, maxRank, maxDepth, shards);
  }
}
