package dev.monoquant.core;

import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.ColumnStatistics;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a {@link Quantizer} works: each method returns a changed copy. None of these settings but
 * {@link #withColumnStatistics} and {@link #withInputOption} changes a single byte of an output.
 *
 * @param <Q> the quantizer that they return
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
   * @throws dev.monoquant.ConfigurationException if it is less
   */
  public Q withThreads(int threads) {
    return with(settings.withThreads(threads));
  }

  /**
   * {@return a quantizer with another size of tiles}
   *
   * @param elements about how many numbers a tile holds, at least 1; a tile has at least one row
   * @throws dev.monoquant.ConfigurationException if it is less
   */
  public Q withTileElements(int elements) {
    return with(settings.withTileElements(elements));
  }

  /**
   * {@return a quantizer that computes elsewhere}
   *
   * @param compute where schemes do their arithmetic
   */
  public Q withCompute(Compute compute) {
    return with(settings.withCompute(compute));
  }

  /**
   * {@return a quantizer with other limits}
   *
   * @param limits how much readers believe
   */
  public Q withLimits(ReadLimits limits) {
    return with(settings.withLimits(limits));
  }

  /**
   * {@return a quantizer that does not guess the format of inputs}
   *
   * @param id the id of a detector
   */
  public Q withInputFormat(String id) {
    return with(settings.withInputFormat(Optional.of(id)));
  }

  /**
   * {@return a quantizer that reads inputs as an option of their format's own says}
   *
   * <p>It is for every input whose format has an option of that name; if no input of a call has
   * one, that is an error. What a {@link dev.monoquant.QuantizationConfig} says of the same option
   * wins.
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
   * {@return a quantizer that reports how far it is}
   *
   * @param progress hears of it
   */
  public Q withProgress(Progress progress) {
    return with(settings.withProgress(progress));
  }

  /**
   * {@return a quantizer that does, or does not, flush outputs to the disk before they get their
   * names}
   *
   * @param sync true (the default) to survive a power cut
   */
  public Q withSync(boolean sync) {
    return with(settings.withSync(sync));
  }

  /**
   * {@return a quantizer whose runs can be stopped from another thread}
   *
   * @param cancellation stops those that make an output or a quantized model
   */
  public Q withCancellation(Cancellation cancellation) {
    return with(settings.withCancellation(cancellation));
  }

  /**
   * {@return a quantizer that hands what the caller measured to the schemes that need it}
   *
   * @param statistics numbers for the columns of weights, by the names of the weights
   */
  public Q withColumnStatistics(ColumnStatistics statistics) {
    return with(settings.withColumns(statistics));
  }

  /**
   * {@return a quantizer that goes on, or does not, where an interrupted run to the same target
   * stopped: what it has finished is taken over if input, configuration and versions are the same,
   * and refused otherwise. Only runs from a file or directory to a directory can be resumed.}
   *
   * @param resume false (the default) to remove what an interrupted run left and start anew
   */
  public Q withResume(boolean resume) {
    return with(settings.withResume(resume));
  }

  /**
   * {@return a quantizer that runs original and result on these inputs before an output that can be
   * run is accepted; without any, inputs are made up if the first layer tells what they look like}
   *
   * @param samples the inputs of a call each. An output that is not run refuses them
   */
  public Q withSamples(List<SampleInputs> samples) {
    return with(settings.withSamples(samples));
  }

  /**
   * {@return a quantizer that does, or does not, run outputs that can be run before they are
   * accepted. Running executes the code of original and result in this process; give false for a
   * model from somewhere that is not trusted}
   *
   * @param running true is the default. An output that is not run refuses false
   */
  public Q withRunning(boolean running) {
    return with(settings.withRunning(running));
  }

  /**
   * {@return a quantizer with another limit for the difference between the outputs of original and
   * result, which are run side by side}
   *
   * @param cosine the least cosine between them, -1 to 1; 0.9 is the default. An output that is not
   *     run refuses it
   * @throws dev.monoquant.ConfigurationException if it is out of range
   */
  public Q withMinCosine(double cosine) {
    return with(settings.withGates(settings.gates().withMinCosine(cosine)));
  }

  /**
   * {@return a quantizer that makes no output with a weight that points elsewhere}
   *
   * @param cosine the least cosine between any weight and what its codes decode to, -1 to 1
   * @throws dev.monoquant.ConfigurationException if it is out of range
   */
  public Q withMinWeightCosine(double cosine) {
    return with(settings.withGates(settings.gates().withMinWeightCosine(cosine)));
  }

  /**
   * {@return a quantizer that makes no output with a greater error}
   *
   * @param decibels the least SQNR of any weight, and of the outputs of a model that is run
   * @throws dev.monoquant.ConfigurationException if it is not finite
   */
  public Q withMinSqnr(double decibels) {
    return with(settings.withGates(settings.gates().withMinSqnr(decibels)));
  }

  /**
   * {@return a quantizer that makes no greater output}
   *
   * @param ratio the greatest part of the bytes of all tensors that may be left, such as 0.3
   * @throws dev.monoquant.ConfigurationException if it is not above 0
   */
  public Q withMaxSizeRatio(double ratio) {
    return with(settings.withGates(settings.gates().withMaxSizeRatio(ratio)));
  }
}
