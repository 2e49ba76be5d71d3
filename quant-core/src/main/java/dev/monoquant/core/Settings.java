package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * How a quantizer works; nothing of it but the statistics and the options of inputs changes a byte
 * of an output. Immutable: only a copy is changed, before anybody else sees it.
 */
final class Settings implements Cloneable {

  /** 128 Ki floats are half of a 1 MiB second-level cache; the codes fit beside them. */
  static final int TILE_ELEMENTS = 128 << 10;

  private Plugins plugins = Plugins.of();
  private int threads = Runtime.getRuntime().availableProcessors();
  private int tileElements = TILE_ELEMENTS;
  private Compute compute = Compute.AUTO;
  private ReadLimits limits = ReadLimits.DEFAULT;
  private Optional<String> inputFormat = Optional.empty();
  private Map<String, String> inputOptions = Map.of();
  private Progress progress = Progress.NONE;
  private boolean sync = true;
  private ColumnStatistics columns = ColumnStatistics.NONE;
  private boolean resume;
  private boolean running = true;
  private List<SampleInputs> samples = List.of();
  private Gates gates = Gates.NONE;
  private Cancellation cancellation = new Cancellation();

  private Settings() {}

  static Settings defaults() {
    return new Settings().withPlugins(Plugins.load());
  }

  private Settings with(Consumer<Settings> change) {
    try {
      Settings copy = (Settings) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  Plugins plugins() {
    return plugins;
  }

  Settings withPlugins(Plugins value) {
    requireNonNull(value, "plugins");
    return with(s -> s.plugins = value);
  }

  int threads() {
    return threads;
  }

  Settings withThreads(int value) {
    if (value < 1 || value > 1024) {
      throw new ConfigurationException(
          value + " threads: 1 to 1024 are allowed. Example: --threads 4");
    }
    return with(s -> s.threads = value);
  }

  int tileElements() {
    return tileElements;
  }

  Settings withTileElements(int value) {
    if (value < 1) {
      throw new ConfigurationException(
          "tiles of "
              + value
              + " elements: at least 1 is allowed, "
              + TILE_ELEMENTS
              + " is the default");
    }
    return with(s -> s.tileElements = value);
  }

  Compute compute() {
    return compute;
  }

  Settings withCompute(Compute value) {
    requireNonNull(value, "compute");
    return with(s -> s.compute = value);
  }

  ReadLimits limits() {
    return limits;
  }

  Settings withLimits(ReadLimits value) {
    requireNonNull(value, "limits");
    return with(s -> s.limits = value);
  }

  Optional<String> inputFormat() {
    return inputFormat;
  }

  Settings withInputFormat(Optional<String> value) {
    requireNonNull(value, "inputFormat");
    return with(s -> s.inputFormat = value);
  }

  /** Options of the input formats' own, of whichever input has one of that name. */
  Map<String, String> inputOptions() {
    return inputOptions;
  }

  Settings withInputOptions(Map<String, String> value) {
    Map<String, String> copy = Map.copyOf(value);
    return with(s -> s.inputOptions = copy);
  }

  Progress progress() {
    return progress;
  }

  Settings withProgress(Progress value) {
    requireNonNull(value, "progress");
    return with(s -> s.progress = value);
  }

  boolean sync() {
    return sync;
  }

  Settings withSync(boolean value) {
    return with(s -> s.sync = value);
  }

  ColumnStatistics columns() {
    return columns;
  }

  Settings withColumns(ColumnStatistics value) {
    requireNonNull(value, "columns");
    return with(s -> s.columns = value);
  }

  boolean resume() {
    return resume;
  }

  Settings withResume(boolean value) {
    return with(s -> s.resume = value);
  }

  boolean running() {
    return running;
  }

  Settings withRunning(boolean value) {
    return with(s -> s.running = value);
  }

  List<SampleInputs> samples() {
    return samples;
  }

  Settings withSamples(List<SampleInputs> value) {
    List<SampleInputs> copy = List.copyOf(value);
    return with(s -> s.samples = copy);
  }

  Cancellation cancellation() {
    return cancellation;
  }

  Settings withCancellation(Cancellation value) {
    requireNonNull(value, "cancellation");
    return with(s -> s.cancellation = value);
  }

  Gates gates() {
    return gates;
  }

  Settings withGates(Gates value) {
    return with(s -> s.gates = value);
  }
}
