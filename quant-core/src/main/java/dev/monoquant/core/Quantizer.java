package dev.monoquant.core;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.open.LibraryVersion;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.Inspection;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.Verification;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The entry point: plans and runs quantizations.
 *
 * <pre>{@code
 * try (QuantizedModel model =
 *     Quantizer.create().quantize(Path.of("model.safetensors"), QuantizationConfig.DEFAULT)) {
 *   System.out.println(model.report().toTable());
 *   model.save(Path.of("model-int8.safetensors"));
 * }
 * }</pre>
 *
 * <p>An immutable value; the {@code with} methods of {@link QuantizerOptions} return changed
 * copies. The caller's model is never written to. Thread-safe.
 */
public final class Quantizer extends QuantizerOptions<Quantizer> {

  private Quantizer(Settings settings) {
    super(settings);
  }

  @Override
  Quantizer with(Settings changed) {
    return new Quantizer(changed);
  }

  /** {@return the version of this library, which every output names} */
  public static String version() {
    return LibraryVersion.text();
  }

  /** {@return a quantizer with all plugins that can be seen, and as many threads as processors} */
  public static Quantizer create() {
    return new Quantizer(Settings.defaults());
  }

  /**
   * Runs models side by side on the samples, in turns, and compares speed and outputs.
   *
   * @param models files that the PyTorch engine loads, the one to compare with first
   * @return what came of it
   * @throws dev.monoquant.ModelFormatException if the first is damaged or foreign
   * @throws dev.monoquant.ConfigurationException if the first does not take the samples
   * @throws dev.monoquant.ValidationException if another fails on them
   */
  public RunComparison runSideBySide(List<Path> models) {
    return Stages.runSideBySide(settings, models);
  }

  /**
   * Looks into a model; reads headers only and starts no engine.
   *
   * @param input any input
   * @return what is in it
   * @throws dev.monoquant.ModelFormatException if it is damaged or foreign
   */
  public Inspection inspect(ModelInput input) {
    return Stages.inspect(settings, input, false);
  }

  /**
   * Looks into a model and reads every plain tensor, to tell by its hash whether two of them are
   * the same, whatever files they come in; starts no engine.
   *
   * @param input any input
   * @return what is in it, with hashes
   * @throws dev.monoquant.ModelFormatException if it is damaged or foreign
   */
  public Inspection inspectWithHashes(ModelInput input) {
    return Stages.inspect(settings, input, true);
  }

  /**
   * Plans without doing anything; reads headers only and starts no engine.
   *
   * @param input any input
   * @param config what to quantize and how
   * @param target where the output would be, which chooses its format; empty for none
   * @return the plan, with all its problems
   * @throws dev.monoquant.ModelFormatException if the input is damaged or foreign
   * @throws dev.monoquant.ConfigurationException if the configuration names what is not there
   */
  public Plan plan(ModelInput input, QuantizationConfig config, Optional<Path> target) {
    return Stages.plan(settings, input, config, target);
  }

  /**
   * Refuses a plan that misses a gate already: its output would be too large.
   *
   * @param plan a plan
   * @throws dev.monoquant.ValidationException if it does
   */
  public void requireGates(Plan plan) {
    Gates.require(settings.gates().check(plan));
  }

  /**
   * Quantizes a model from end to end, in bounded memory whatever its size.
   *
   * @param input any input
   * @param config what to quantize and how
   * @param target the file or directory to make
   * @param overwrite whether to replace an existing output
   * @return what was done
   * @throws dev.monoquant.PlanException if the plan has errors
   * @throws dev.monoquant.ModelFormatException if the input is damaged, or holds NaN or infinities
   *     under the policy that refuses them
   * @throws dev.monoquant.ValidationException if an error is above its declared bound
   * @throws dev.monoquant.OutputException if the output cannot be written
   */
  public Report quantize(
      ModelInput input, QuantizationConfig config, Path target, boolean overwrite) {
    return quantize(input, config, target, overwrite, report -> {});
  }

  /**
   * Quantizes a model from end to end, and asks before the output gets its name.
   *
   * @param input any input
   * @param config what to quantize and how
   * @param target the file or directory to make
   * @param overwrite whether to replace an existing output
   * @param gate sees the report when all is written under temporary names, also the report of an
   *     output that is refused then, see {@link Report#accepted}; what it throws is thrown on, the
   *     temporary files are removed, and an existing output stays as it was
   * @return what was done
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public Report quantize(
      ModelInput input,
      QuantizationConfig config,
      Path target,
      boolean overwrite,
      Consumer<Report> gate) {
    return Stages.quantize(settings, input, config, target, overwrite, gate);
  }

  /**
   * Quantizes a model and keeps the result at hand.
   *
   * @param input any input
   * @param config what to quantize and how
   * @return the result; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public QuantizedModel quantize(ModelInput input, QuantizationConfig config) {
    return Stages.quantize(settings, input, config);
  }

  /**
   * Quantizes a file or directory and keeps the result at hand.
   *
   * @param path a file or directory
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(Path path, QuantizationConfig config) {
    return quantize(ModelInput.of(path), config);
  }

  /**
   * Makes a smaller and faster model of a live TorchScript model, ready to run; with the defaults.
   *
   * @param model never changed
   * @return a new model on the CPU; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(Model, QuantizationConfig, Consumer)}
   */
  public Model quantize(Model model) {
    return quantize(model, QuantizationConfig.DEFAULT);
  }

  /**
   * Makes a smaller and faster model of a live TorchScript model, ready to run.
   *
   * @param model never changed; its block was loaded from TorchScript
   * @param config what to quantize and how
   * @return a new model on the CPU; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(Model, QuantizationConfig, Consumer)}
   */
  public Model quantize(Model model, QuantizationConfig config) {
    return quantize(model, config, report -> {});
  }

  /**
   * Makes a smaller and faster model of a live TorchScript model, ready to run. Original and result
   * are run side by side before it is returned, see {@link #withSamples}.
   *
   * <p>A model whose block is Java code is not rewritten: {@link #quantizeWeights} takes it.
   *
   * @param model never changed; its block was loaded from TorchScript
   * @param config what to quantize and how
   * @param gate sees the report; what it throws is thrown on, and no model is made
   * @return a new model on the CPU; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public Model quantize(Model model, QuantizationConfig config, Consumer<Report> gate) {
    return ModelRewrite.quantize(settings, model, config, gate);
  }

  /**
   * Quantizes the weights of a live model, of any block, and keeps them at hand.
   *
   * @param model never changed
   * @param config what to quantize and how
   * @return the weights; the caller closes them
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public QuantizedModel quantizeWeights(Model model, QuantizationConfig config) {
    return quantize(ModelInput.of(model), config);
  }

  /**
   * Quantizes a live block.
   *
   * @param block never changed
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(Block block, QuantizationConfig config) {
    return quantize(ModelInput.of(block), config);
  }

  /**
   * Quantizes a list of named arrays.
   *
   * @param list never changed
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(NDList list, QuantizationConfig config) {
    return quantize(ModelInput.of(list), config);
  }

  /**
   * Quantizes a live state dict.
   *
   * @param tensors never changed
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(Map<String, NDArray> tensors, QuantizationConfig config) {
    return quantize(ModelInput.of(tensors), config);
  }

  /**
   * Opens a model that was quantized before.
   *
   * @param path a quantized file or directory
   * @return the model; the caller closes it
   * @throws dev.monoquant.ModelFormatException if it is damaged, foreign, or not quantized
   */
  public QuantizedModel load(Path path) {
    return Stages.load(settings, path);
  }

  /**
   * Writes a model with all its quantized weights decoded to the float types they had.
   *
   * @param input a quantized model
   * @param target the file or directory to make
   * @param format the id of an output format; empty to let the target's name decide
   * @param overwrite whether to replace an existing output
   * @return the files written
   * @throws dev.monoquant.ModelFormatException if the input is damaged, foreign, or not quantized
   * @throws dev.monoquant.OutputException if the output cannot be written
   */
  public List<Path> dequantize(
      ModelInput input, Path target, Optional<String> format, boolean overwrite) {
    return Stages.dequantize(settings, input, target, format, overwrite);
  }

  /**
   * Reads an output again: compares every stored byte with the hashes in its manifest, decodes
   * every quantized weight, and, given the original, compares its files with those hashes, the kept
   * tensors with its own, and each weight's error with the bound that the scheme declares.
   *
   * @param output a file or directory that was written here
   * @param against the original; empty if it is not at hand
   * @return what was read and what differs
   * @throws dev.monoquant.ValidationException if the output cannot be read as what it is any more,
   *     or carries no manifest
   * @throws dev.monoquant.ModelFormatException if a file is missing, or the original is damaged or
   *     foreign
   */
  public Verification verify(Path output, Optional<ModelInput> against) {
    return Stages.verify(settings, output, against);
  }

  /**
   * Compares two models tensor by tensor, decoding quantized weights on either side.
   *
   * @param a the first model, taken as the original
   * @param b the second model
   * @return what is the same and how far the rest is apart
   * @throws dev.monoquant.ModelFormatException if one of them is damaged or foreign
   */
  public Comparison compare(ModelInput a, ModelInput b) {
    return Stages.compare(settings, a, b);
  }
}
