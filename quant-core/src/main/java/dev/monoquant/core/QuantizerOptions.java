package dev.monoquant.core;

import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.RunTiming;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.open.CalibrationFile;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The settings of a {@link Quantizer}: each method returns a changed copy. Only {@link
 * #withCalibration}, {@link #withInputOption} and {@link #withHashing} affect the bytes of an
 * output, the last only its manifest.
 *
 * @param <Q> the type of the quantizer
 */
public abstract class QuantizerOptions<Q extends QuantizerOptions<Q>> {

  final Settings settings;

  QuantizerOptions(Settings settings) {
    this.settings = settings;
  }

  abstract Q with(Settings changed);

  /**
   * {@return a quantizer with other plugins}
   *
   * @param plugins the plugins to use
   */
  public Q withPlugins(Plugins plugins) {
    return with(settings.withPlugins(plugins));
  }

  /**
   * {@return a quantizer with another number of threads}
   *
   * @param threads at least 1
   * @throws dev.monoquant.ConfigurationException if it is less than 1
   */
  public Q withThreads(int threads) {
    return with(settings.withThreads(threads));
  }

  /**
   * {@return a quantizer with another size of tiles}
   *
   * @param elements the approximate number of elements of a tile, at least 1; a tile has at least
   *     one row
   * @throws dev.monoquant.ConfigurationException if it is less than 1
   */
  public Q withTileElements(int elements) {
    return with(settings.withTileElements(elements));
  }

  /**
   * {@return a quantizer whose schemes compute in another way}
   *
   * @param compute where schemes do their arithmetic
   */
  public Q withCompute(Compute compute) {
    return with(settings.withCompute(compute));
  }

  /**
   * {@return a quantizer with other limits}
   *
   * @param limits bounds on sizes and counts read from untrusted input
   */
  public Q withLimits(ReadLimits limits) {
    return with(settings.withLimits(limits));
  }

  /**
   * {@return a quantizer with a fixed input format instead of detection}
   *
   * @param id the id of a detector
   */
  public Q withInputFormat(String id) {
    return with(settings.withInputFormat(Optional.of(id)));
  }

  /**
   * {@return a quantizer with an option for the format of inputs}
   *
   * <p>The option applies to every input whose format declares it; it is an error if no input of a
   * call has such a format. The same option in a {@link dev.monoquant.QuantizationConfig} takes
   * precedence.
   *
   * @param name the name of an option, see {@link dev.monoquant.spi.InputFormatDetector#options()}
   * @param value its value
   */
  public Q withInputOption(String name, String value) {
    Map<String, String> more = new HashMap<>(settings.inputOptions());
    more.put(name, value);
    return with(settings.withInputOptions(more));
  }

  /**
   * {@return a quantizer that finds the inputs of plans of units elsewhere}
   *
   * @param paths makes a path of the text of an input in a plan, such as {@code StagedFiles::path}
   *     for remote files; by default {@code Path::of}
   */
  public Q withInputPaths(Function<String, Path> paths) {
    return with(settings.withInputPaths(paths));
  }

  /**
   * {@return a quantizer that reports progress}
   *
   * @param progress receives the progress
   */
  public Q withProgress(Progress progress) {
    return with(settings.withProgress(progress));
  }

  /**
   * {@return a quantizer that flushes outputs to the disk before it renames them, or does not}
   *
   * @param sync true (the default) to survive a power failure
   */
  public Q withSync(boolean sync) {
    return with(settings.withSync(sync));
  }

  /**
   * {@return a quantizer whose manifests record other hashes}
   *
   * @param hashing {@link Hashing#OUTPUTS} is the default
   */
  public Q withHashing(Hashing hashing) {
    return with(settings.withHashing(hashing));
  }

  /**
   * {@return a quantizer that quantizes within a bound of the anonymous memory of this process:
   * heap, direct buffers and the JVM's own. It uses fewer threads if need be, and refuses a model
   * that one thread would need more for. The heap itself is limited by the JVM's {@code -Xmx},
   * which should be 80 MiB less}
   *
   * @param bytes the bound, at least 128 MiB
   * @throws dev.monoquant.ConfigurationException if it is less
   */
  public Q withMaxMemory(long bytes) {
    return with(settings.withMaxMemory(bytes));
  }

  /**
   * {@return a quantizer whose runs can be stopped from another thread}
   *
   * @param cancellation stops runs that make an output or a quantized model
   */
  public Q withCancellation(Cancellation cancellation) {
    return with(settings.withCancellation(cancellation));
  }

  /**
   * {@return a quantizer with statistics of the inputs of layers, for schemes that need or use
   * them}
   *
   * @param calibration the statistics; the caller closes it after the last run
   */
  public Q withCalibration(Calibration calibration) {
    return with(settings.withCalibration(calibration));
  }

  /**
   * Opens a file with statistics of the inputs of layers, for {@link #withCalibration}.
   *
   * @param file a file that a {@link dev.monoquant.spi.CalibrationReader} of the plugins recognises
   * @return the statistics; the caller closes them
   * @throws dev.monoquant.ConfigurationException if there is no such file
   * @throws dev.monoquant.ModelFormatException if it is damaged or foreign
   */
  public Calibration openCalibration(Path file) {
    return CalibrationFile.open(settings, file);
  }

  /**
   * {@return a quantizer that accepts models that are quantized already, or does not. Their weights
   * are decoded block by block and quantized again, so that the errors of both add up}
   *
   * @param requantize false (the default) to refuse such models
   */
  public Q withRequantize(boolean requantize) {
    return with(settings.withRequantize(requantize));
  }

  /**
   * {@return a quantizer that resumes an interrupted run to the same target, or does not. Finished
   * files are reused if input, configuration and versions are the same; otherwise the run is
   * refused. Only runs from a file or directory to a directory can be resumed.}
   *
   * @param resume false (the default) to remove the files of an interrupted run and start again
   */
  public Q withResume(boolean resume) {
    return with(settings.withResume(resume));
  }

  /**
   * {@return a quantizer that uses these inputs to run the original and the result before it
   * accepts an output; without samples, inputs are generated if the first layer determines their
   * shape}
   *
   * @param samples each element holds the inputs of one call. Refused for an output that is not run
   */
  public Q withSamples(List<SampleInputs> samples) {
    return with(settings.withSamples(samples));
  }

  /**
   * {@return a quantizer with another duration of timing in {@link Quantizer#runSideBySide}}
   *
   * @param timing the number of rounds and the time
   */
  public Q withTiming(RunTiming timing) {
    return with(settings.withTiming(timing));
  }

  /**
   * {@return a quantizer that runs an output before it accepts it, or does not. Running executes
   * the code of the original and the result, which is checked before, see {@link #withTrust}}
   *
   * @param running true is the default. False is refused for an output that is not run
   */
  public Q withRunning(boolean running) {
    return with(settings.withRunning(running));
  }

  /**
   * {@return a quantizer that runs the code of models without checking it, or does not}
   *
   * <p>By default a model runs only if all of its code only computes: every operator is on a list
   * without operators that read or write files or load code. Any other model is refused with its
   * operators and their places.
   *
   * @param trust false is the default; true runs everything with the rights of this process
   */
  public Q withTrust(boolean trust) {
    return with(settings.withTrust(trust));
  }

  /**
   * {@return a quantizer that runs models in another process, or within other bounds}
   *
   * @param runs {@link ModelRuns#IN_PROCESS} is the default; {@link ModelRuns#IN_CHILD} survives
   *     crashes of native code, and models that do not end or take all memory
   */
  public Q withModelRuns(ModelRuns runs) {
    return with(settings.withModelRuns(runs));
  }

  /**
   * {@return a quantizer with another limit for the difference between the outputs of original and
   * result, which are run side by side}
   *
   * @param cosine the minimum cosine between them, -1 to 1; 0.9 is the default. Refused for an
   *     output that is not run
   * @throws dev.monoquant.ConfigurationException if it is out of range
   */
  public Q withMinCosine(double cosine) {
    return with(settings.withGates(settings.gates().withMinCosine(cosine)));
  }

  /**
   * {@return a quantizer that refuses outputs with a weight of a lower cosine}
   *
   * @param cosine the minimum cosine between any weight and its decoded codes, -1 to 1
   * @throws dev.monoquant.ConfigurationException if it is out of range
   */
  public Q withMinWeightCosine(double cosine) {
    return with(settings.withGates(settings.gates().withMinWeightCosine(cosine)));
  }

  /**
   * {@return a quantizer that refuses outputs with a larger error}
   *
   * @param decibels the minimum SQNR of every weight, and of the outputs of a model that runs
   * @throws dev.monoquant.ConfigurationException if it is not finite
   */
  public Q withMinSqnr(double decibels) {
    return with(settings.withGates(settings.gates().withMinSqnr(decibels)));
  }

  /**
   * {@return a quantizer that refuses outputs with a layer whose own outputs have a larger error}
   *
   * @param decibels the minimum SQNR of the outputs of every layer whose Gram matrix a calibration
   *     has, see {@link #withCalibration}; refused if it has none
   * @throws dev.monoquant.ConfigurationException if it is not finite
   */
  public Q withMinOutputSqnr(double decibels) {
    return with(settings.withGates(settings.gates().withMinOutputSqnr(decibels)));
  }

  /**
   * {@return a quantizer that refuses slower outputs}
   *
   * @param speedup the minimum speed-up of a model that runs over the original, such as 1.5
   * @throws dev.monoquant.ConfigurationException if it is not above 0
   */
  public Q withMinSpeedup(double speedup) {
    return with(settings.withGates(settings.gates().withMinSpeedup(speedup)));
  }

  /**
   * {@return a quantizer that refuses larger outputs}
   *
   * @param ratio the maximum ratio of the bytes of all tensors after and before, such as 0.3
   * @throws dev.monoquant.ConfigurationException if it is not above 0
   */
  public Q withMaxSizeRatio(double ratio) {
    return with(settings.withGates(settings.gates().withMaxSizeRatio(ratio)));
  }
}
