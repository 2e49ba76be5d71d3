package dev.monoquant.core.settings;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.RunTiming;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.MemoryNeed;
import dev.monoquant.core.text.Text;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The settings of a quantizer; only the calibration, the input options and, in manifests, the
 * hashing can change a byte of an output. Immutable: only a copy is changed, before it is
 * published.
 */
public final class Settings implements Cloneable {

  /** 128 Ki floats are half of a 1 MiB second-level cache; the codes fit in the rest. */
  public static final int TILE_ELEMENTS = 128 << 10;

  private Plugins plugins = Plugins.of();
  private int threads = Runtime.getRuntime().availableProcessors();
  private int tileElements = TILE_ELEMENTS;
  private Compute compute = Compute.AUTO;
  private ReadLimits limits = ReadLimits.DEFAULT;
  private Optional<String> inputFormat = Optional.empty();
  private Map<String, String> inputOptions = Map.of();
  private Progress progress = Progress.NONE;
  private boolean sync = true;
  private Hashing hashing = Hashing.OUTPUTS;
  private OptionalLong maxMemory = OptionalLong.empty();
  private Optional<Calibration> calibration = Optional.empty();
  private Optional<AppliedEdits> edits = Optional.empty();
  private boolean resume;
  private boolean requantize;
  private boolean running = true;
  private boolean trust;
  private ModelRuns modelRuns = ModelRuns.IN_PROCESS;
  private List<SampleInputs> samples = List.of();
  private RunTiming timing = RunTiming.DEFAULT;
  private Gates gates = Gates.NONE;
  private Cancellation cancellation = new Cancellation();
  private Function<String, Path> inputPaths = Path::of;

  private Settings() {}

  public static Settings defaults() {
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

  public Plugins plugins() {
    return plugins;
  }

  public Settings withPlugins(Plugins value) {
    requireNonNull(value, "plugins");
    return with(s -> s.plugins = value);
  }

  public int threads() {
    return threads;
  }

  public Settings withThreads(int value) {
    if (value < 1 || value > 1024) {
      throw new ConfigurationException(
          value + " threads: 1 to 1024 are allowed. Example: --threads 4");
    }
    return with(s -> s.threads = value);
  }

  public int tileElements() {
    return tileElements;
  }

  public Settings withTileElements(int value) {
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

  public Compute compute() {
    return compute;
  }

  public Settings withCompute(Compute value) {
    requireNonNull(value, "compute");
    return with(s -> s.compute = value);
  }

  public ReadLimits limits() {
    return limits;
  }

  public Settings withLimits(ReadLimits value) {
    requireNonNull(value, "limits");
    return with(s -> s.limits = value);
  }

  public Optional<String> inputFormat() {
    return inputFormat;
  }

  public Settings withInputFormat(Optional<String> value) {
    requireNonNull(value, "inputFormat");
    return with(s -> s.inputFormat = value);
  }

  /** Options of the input formats; each applies to every input that has an option of that name. */
  public Map<String, String> inputOptions() {
    return inputOptions;
  }

  public Settings withInputOptions(Map<String, String> value) {
    Map<String, String> copy = Map.copyOf(value);
    return with(s -> s.inputOptions = copy);
  }

  public Progress progress() {
    return progress;
  }

  public Settings withProgress(Progress value) {
    requireNonNull(value, "progress");
    return with(s -> s.progress = value);
  }

  public boolean sync() {
    return sync;
  }

  public Settings withSync(boolean value) {
    return with(s -> s.sync = value);
  }

  public Hashing hashing() {
    return hashing;
  }

  public Settings withHashing(Hashing value) {
    requireNonNull(value, "hashing");
    return with(s -> s.hashing = value);
  }

  /** The bound of the anonymous memory in bytes; empty if only the heap is limited. */
  public OptionalLong maxMemory() {
    return maxMemory;
  }

  public Settings withMaxMemory(long value) {
    if (value < MemoryNeed.LEAST) {
      throw new ConfigurationException(
          "a memory of "
              + Text.bytes(value)
              + ": the least is 128 MiB, as the JVM takes some 80 MiB for itself. Example:"
              + " --max-memory 256m");
    }
    return with(s -> s.maxMemory = OptionalLong.of(value));
  }

  /** The caller's; closed by the caller. */
  public Optional<Calibration> calibration() {
    return calibration;
  }

  public Settings withCalibration(Calibration value) {
    requireNonNull(value, "calibration");
    return with(s -> s.calibration = Optional.of(value));
  }

  /** What was done to the tensors of the model that is read; empty if it was not looked at. */
  public Optional<AppliedEdits> edits() {
    return edits;
  }

  public Settings withEdits(AppliedEdits value) {
    requireNonNull(value, "edits");
    return with(s -> s.edits = Optional.of(value));
  }

  public boolean requantize() {
    return requantize;
  }

  public Settings withRequantize(boolean value) {
    return with(s -> s.requantize = value);
  }

  public boolean resume() {
    return resume;
  }

  public Settings withResume(boolean value) {
    return with(s -> s.resume = value);
  }

  public boolean running() {
    return running;
  }

  public Settings withRunning(boolean value) {
    return with(s -> s.running = value);
  }

  /** Whether model code may run that does more than compute. */
  public boolean trust() {
    return trust;
  }

  public Settings withTrust(boolean value) {
    return with(s -> s.trust = value);
  }

  public ModelRuns modelRuns() {
    return modelRuns;
  }

  public Settings withModelRuns(ModelRuns value) {
    requireNonNull(value, "modelRuns");
    return with(s -> s.modelRuns = value);
  }

  public List<SampleInputs> samples() {
    return samples;
  }

  public RunTiming timing() {
    return timing;
  }

  public Settings withTiming(RunTiming value) {
    return with(s -> s.timing = value);
  }

  public Settings withSamples(List<SampleInputs> value) {
    List<SampleInputs> copy = List.copyOf(value);
    return with(s -> s.samples = copy);
  }

  public Cancellation cancellation() {
    return cancellation;
  }

  public Settings withCancellation(Cancellation value) {
    requireNonNull(value, "cancellation");
    return with(s -> s.cancellation = value);
  }

  public Gates gates() {
    return gates;
  }

  public Settings withGates(Gates value) {
    return with(s -> s.gates = value);
  }

  /** How the text of an input in a plan becomes a path. */
  public Function<String, Path> inputPaths() {
    return inputPaths;
  }

  public Settings withInputPaths(Function<String, Path> value) {
    requireNonNull(value, "inputPaths");
    return with(s -> s.inputPaths = value);
  }
}
