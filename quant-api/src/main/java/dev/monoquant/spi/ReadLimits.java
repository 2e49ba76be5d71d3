package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;

/**
 * Bounds on sizes and counts read from untrusted input. A model file over a limit is refused; the
 * message names the value, the limit and the setting.
 *
 * @param maxHeaderBytes bytes of a safetensors header; 100,000,000 as in the reference
 * @param maxIndexBytes bytes of a shard index or a side file that is parsed
 * @param maxTensors tensors in a model
 * @param maxNameLength characters of a tensor's name
 * @param maxRank dimensions of a tensor
 * @param maxDepth nesting of JSON, or of the containers in a checkpoint
 * @param maxShards files of a sharded model
 * @param maxArchiveEntries entries of a zip archive
 * @param maxInflatedBytes bytes of a compressed archive entry after inflation; for the code of
 *     TorchScript, the sum of all entries; for numbers in compressed entries, the sum of all
 *     entries beyond 16 times the bytes of the file
 * @param maxPickleBytes bytes of a pickle
 * @param maxPickleOps operations in a pickle
 * @param maxPickleValues values created by a pickle, entries of its memo, and values visited in a
 *     search of its result; for TorchScript, names and types that its code declares
 * @param maxParsedBytes memory that everything parsed of a file may take together, as an estimate
 *     that is charged before it is allocated: JSON, pickles, code, and names of entries
 */
public record ReadLimits(
    long maxHeaderBytes,
    long maxIndexBytes,
    int maxTensors,
    int maxNameLength,
    int maxRank,
    int maxDepth,
    int maxShards,
    int maxArchiveEntries,
    long maxInflatedBytes,
    long maxPickleBytes,
    int maxPickleOps,
    int maxPickleValues,
    long maxParsedBytes) {

  private static final int ARCHIVE_ENTRIES = 1_000_000;
  private static final long INFLATED_BYTES = 64 << 20;
  private static final long PICKLE_BYTES = 256 << 20;
  private static final int PICKLE_OPS = 20_000_000;
  private static final int PICKLE_VALUES = 5_000_000;

  /** With what is made of it, it fits into the 512 MiB that the command line starts with. */
  private static final long PARSED_BYTES = 160 << 20;

  /** Defaults far above the needs of published models and low enough to stop an attack early. */
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
    require("maxArchiveEntries", maxArchiveEntries);
    require("maxInflatedBytes", maxInflatedBytes);
    require("maxPickleBytes", maxPickleBytes);
    require("maxPickleOps", maxPickleOps);
    require("maxPickleValues", maxPickleValues);
    require("maxParsedBytes", maxParsedBytes);
  }

  /**
   * Sets the limits that all formats share; the limits for archives, pickles and memory have their
   * defaults.
   *
   * @param maxHeaderBytes bytes of a safetensors header
   * @param maxIndexBytes bytes of a shard index or a side file that is parsed
   * @param maxTensors tensors in a model
   * @param maxNameLength characters of a tensor's name
   * @param maxRank dimensions of a tensor
   * @param maxDepth nesting of JSON, or of the containers in a checkpoint
   * @param maxShards files of a sharded model
   */
  public ReadLimits(
      long maxHeaderBytes,
      long maxIndexBytes,
      int maxTensors,
      int maxNameLength,
      int maxRank,
      int maxDepth,
      int maxShards) {
    this(
        maxHeaderBytes,
        maxIndexBytes,
        maxTensors,
        maxNameLength,
        maxRank,
        maxDepth,
        maxShards,
        ARCHIVE_ENTRIES,
        INFLATED_BYTES,
        PICKLE_BYTES,
        PICKLE_OPS,
        PICKLE_VALUES,
        PARSED_BYTES);
  }

  private static void require(String name, long value) {
    if (value < 1) {
      throw new ConfigurationException(
          "limit " + name + " is " + value + "; at least 1 is allowed");
    }
  }

  /**
   * {@return a copy with a limit changed}
   *
   * @param limit the name of the limit, as messages have it, such as {@code maxParsedBytes}
   * @param value its new value, at least 1
   * @throws ConfigurationException if there is no such limit, or it cannot have the value
   */
  public ReadLimits changed(String limit, long value) {
    requireNonNull(limit, "limit");
    RecordComponent[] limits = ReadLimits.class.getRecordComponents();
    RecordComponent found =
        Arrays.stream(limits)
            .filter(l -> l.getName().equals(limit))
            .findFirst()
            .orElseThrow(
                () ->
                    new ConfigurationException(
                        "there is no limit "
                            + QuantException.quote(limit)
                            + "; limits are "
                            + Arrays.stream(limits)
                                .map(RecordComponent::getName)
                                .collect(joining(", "))));
    if (found.getType() == int.class && value > Integer.MAX_VALUE) {
      throw new ConfigurationException(
          "limit " + limit + " is " + value + "; at most " + Integer.MAX_VALUE + " is allowed");
    }
    return with(new Change(limit, value));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param bytes bytes of a safetensors header
   */
  public ReadLimits withMaxHeaderBytes(long bytes) {
    return with(new Change("maxHeaderBytes", bytes));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param bytes bytes of a shard index or side file
   */
  public ReadLimits withMaxIndexBytes(long bytes) {
    return with(new Change("maxIndexBytes", bytes));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param tensors tensors in a model
   */
  public ReadLimits withMaxTensors(int tensors) {
    return with(new Change("maxTensors", tensors));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param shards files of a sharded model
   */
  public ReadLimits withMaxShards(int shards) {
    return with(new Change("maxShards", shards));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param entries entries of a zip archive
   */
  public ReadLimits withMaxArchiveEntries(int entries) {
    return with(new Change("maxArchiveEntries", entries));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param bytes bytes of a compressed archive entry after inflation
   */
  public ReadLimits withMaxInflatedBytes(long bytes) {
    return with(new Change("maxInflatedBytes", bytes));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param bytes bytes of a pickle
   */
  public ReadLimits withMaxPickleBytes(long bytes) {
    return with(new Change("maxPickleBytes", bytes));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param operations operations in a pickle
   */
  public ReadLimits withMaxPickleOps(int operations) {
    return with(new Change("maxPickleOps", operations));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param values values of a pickle
   */
  public ReadLimits withMaxPickleValues(int values) {
    return with(new Change("maxPickleValues", values));
  }

  /**
   * {@return a copy with this limit changed}
   *
   * @param bytes memory of what is parsed of a file
   */
  public ReadLimits withMaxParsedBytes(long bytes) {
    return with(new Change("maxParsedBytes", bytes));
  }

  private ReadLimits with(Change change) {
    return new ReadLimits(
        change.of("maxHeaderBytes", maxHeaderBytes),
        change.of("maxIndexBytes", maxIndexBytes),
        change.of("maxTensors", maxTensors),
        change.of("maxNameLength", maxNameLength),
        change.of("maxRank", maxRank),
        change.of("maxDepth", maxDepth),
        change.of("maxShards", maxShards),
        change.of("maxArchiveEntries", maxArchiveEntries),
        change.of("maxInflatedBytes", maxInflatedBytes),
        change.of("maxPickleBytes", maxPickleBytes),
        change.of("maxPickleOps", maxPickleOps),
        change.of("maxPickleValues", maxPickleValues),
        change.of("maxParsedBytes", maxParsedBytes));
  }

  /**
   * A change of a limit.
   *
   * @param limit its name
   * @param value its new value, within the range of its type
   */
  private record Change(String limit, long value) {

    long of(String name, long before) {
      return name.equals(limit) ? value : before;
    }

    int of(String name, int before) {
      return name.equals(limit) ? (int) value : before;
    }
  }
}
