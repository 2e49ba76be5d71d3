package dev.monoquant.core;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.control.TuneOptions;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.open.LibraryVersion;
import dev.monoquant.core.report.CalibrationReport;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.Inspection;
import dev.monoquant.core.report.MemoryNeed;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Plans;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.TuneReport;
import dev.monoquant.core.report.Verification;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;
import java.util.ArrayList;
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
 * copies. Never writes to the caller's model. Thread-safe.
 */
public final class Quantizer extends QuantizerOptions<Quantizer> {

  private Quantizer(Settings settings) {
    super(settings);
  }

  @Override
  Quantizer with(Settings changed) {
    return new Quantizer(changed);
  }

  /** {@return the version of this library, which every output records} */
  public static String version() {
    return LibraryVersion.text();
  }

  /** {@return a quantizer with all plugins on the class path, and one thread per processor} */
  public static Quantizer create() {
    return new Quantizer(Settings.defaults());
  }

  /**
   * Runs models side by side on the samples, in turns, and compares speed and outputs.
   *
   * @param models files that the PyTorch engine loads, the reference first
   * @return times and errors
   * @throws dev.monoquant.ModelFormatException if the first file is damaged or foreign
   * @throws dev.monoquant.ConfigurationException if the first model does not accept the samples
   * @throws dev.monoquant.ValidationException if another model fails on them
   */
  public RunComparison runSideBySide(List<Path> models) {
    return Stages.runSideBySide(settings, models);
  }

  /**
   * Observes the inputs of layers while the model runs on the samples, see {@link #withSamples},
   * and writes their statistics for calibrated quantization. A sample may be a directory of files.
   *
   * <p>The model computes what it computes unobserved: the first outputs are compared to the bit.
   * The file has the tensors that docs/calibration.md lists.
   *
   * @param input a TorchScript archive, or a live model that DJL loaded from one
   * @param options what to collect
   * @param target the file to create, usually {@code NAME.calibration.safetensors}
   * @param overwrite whether to replace an existing calibration; other files are never replaced
   * @return what was collected
   * @throws dev.monoquant.ModelFormatException if the input cannot be observed
   * @throws dev.monoquant.ConfigurationException if there are no samples, or the model does not
   *     take them
   * @throws dev.monoquant.ValidationException if observing changes its outputs
   * @throws dev.monoquant.OutputException if the target cannot be written
   */
  public CalibrationReport calibrate(
      ModelInput input, CalibrationOptions options, Path target, boolean overwrite) {
    return Stages.calibrate(settings, input, options, target, overwrite);
  }

  /**
   * Chooses scheme and group of each layer, so that a TorchScript model meets a target at the least
   * size, or is best at a size. Each option is measured through the model on the samples, see
   * {@link #withSamples}: one layer at a time, in the mode that runs it. The result runs too, and
   * meets a target of a cosine as measured. The same input and samples give the same result, but
   * for a budget of time.
   *
   * @param input a TorchScript archive
   * @param options the target, options for all layers, and the budget
   * @return the recipe, with what was measured
   * @throws dev.monoquant.ModelFormatException if the input cannot be run
   * @throws dev.monoquant.ValidationException if the target cannot be met
   */
  public TuneReport tune(ModelInput input, TuneOptions options) {
    return TuneRun.tune(settings, input, options);
  }

  /**
   * Describes a model; reads headers only and does not start the engine.
   *
   * @param input any input
   * @return the contents of the model
   * @throws dev.monoquant.ModelFormatException if the input is damaged or foreign
   */
  public Inspection inspect(ModelInput input) {
    return Stages.inspect(settings, input, false);
  }

  /**
   * Describes a model with a hash of every plain tensor, so that equal tensors can be found in
   * different files; does not start the engine.
   *
   * @param input any input
   * @return the contents of the model, with hashes
   * @throws dev.monoquant.ModelFormatException if the input is damaged or foreign
   */
  public Inspection inspectWithHashes(ModelInput input) {
    return Stages.inspect(settings, input, true);
  }

  /**
   * Plans a run without writing; reads headers only and does not start the engine.
   *
   * @param input any input
   * @param config what to quantize and how
   * @param target the path of the output, which selects its format; empty for no output
   * @return the plan, with all its problems
   * @throws dev.monoquant.ModelFormatException if the input is damaged or foreign
   * @throws dev.monoquant.ConfigurationException if the configuration names a missing layer, option
   *     or plugin
   */
  public Plan plan(ModelInput input, QuantizationConfig config, Optional<Path> target) {
    return target.isEmpty()
        ? Stages.plan(settings, input, config)
        : plan(input, List.of(new Output(target.get(), config))).outputs().get(0).plan();
  }

  /**
   * Plans a run with several outputs without writing; reads headers only and does not start the
   * engine.
   *
   * @param input any input
   * @param outputs the outputs, at least one
   * @return the plan of each, with all its problems
   * @throws dev.monoquant.ModelFormatException if the input is damaged or foreign
   * @throws dev.monoquant.ConfigurationException if a configuration names a missing layer, option
   *     or plugin, or two outputs read the input with different options
   * @throws dev.monoquant.OutputException if two outputs have the same place, or one is in another
   */
  public Plans plan(ModelInput input, List<Output> outputs) {
    return OutputsRun.plan(settings, input, outputs);
  }

  /**
   * {@return the memory that quantizing needs}
   *
   * @param plans the plans that are carried out in one pass
   * @throws dev.monoquant.ConfigurationException if it exceeds the bound of {@link #withMaxMemory}
   */
  public MemoryNeed memory(List<Plan> plans) {
    return MemoryNeed.of(
        plans,
        settings.tileElements(),
        settings.threads(),
        settings.maxMemory(),
        new InputFacts(settings)::factors);
  }

  /**
   * Refuses a plan whose output would miss the gate for its size.
   *
   * @param plan a plan
   * @throws dev.monoquant.ValidationException if the output would be too large
   */
  public void requireGates(Plan plan) {
    Gates.require(settings.gates().check(plan));
  }

  /**
   * Refuses plans with an output that would miss the gate for its size.
   *
   * @param plans plans of several outputs
   * @throws dev.monoquant.ValidationException if an output would be too large, naming each
   */
  public void requireGates(Plans plans) {
    if (plans.outputs().size() == 1) {
      requireGates(plans.outputs().get(0).plan());
      return;
    }
    List<String> missed = new ArrayList<>();
    for (Plans.Entry output : plans.outputs()) {
      try {
        requireGates(output.plan());
      } catch (ValidationException e) {
        missed.add(output.target() + ": " + e.getMessage());
      }
    }
    if (!missed.isEmpty()) {
      throw new ValidationException(String.join("; ", missed));
    }
  }

  /**
   * Quantizes a model and writes the output, in memory that does not grow with the model.
   *
   * @param input any input
   * @param config what to quantize and how
   * @param target the file or directory to create
   * @param overwrite whether to replace an existing output
   * @return the results of the run
   * @throws dev.monoquant.PlanException if the plan has errors
   * @throws dev.monoquant.ModelFormatException if the input is damaged, or contains NaN or
   *     infinities and the policy is to fail
   * @throws dev.monoquant.ValidationException if a quantization error exceeds its declared bound
   * @throws dev.monoquant.OutputException if the output cannot be written
   */
  public Report quantize(
      ModelInput input, QuantizationConfig config, Path target, boolean overwrite) {
    return quantize(input, config, target, overwrite, report -> {});
  }

  /**
   * Quantizes a model and writes the output, with a gate that can refuse the output.
   *
   * @param input any input
   * @param config what to quantize and how
   * @param target the file or directory to create
   * @param overwrite whether to replace an existing output
   * @param gate receives the report after everything is written under temporary names, even if the
   *     output is then refused, see {@link Report#accepted}. If it throws, the exception is
   *     rethrown, the temporary files are removed, and an existing output does not change
   * @return the results of the run
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public Report quantize(
      ModelInput input,
      QuantizationConfig config,
      Path target,
      boolean overwrite,
      Consumer<Report> gate) {
    return quantize(
            input,
            List.of(new Output(target, config)),
            overwrite,
            reports -> gate.accept(reports.outputs().get(0).report()))
        .outputs()
        .get(0)
        .report();
  }

  /**
   * Quantizes a model and writes several outputs in one pass: the model is read once, and a weight
   * is encoded once for the outputs that agree on its encoding. The bytes of each output are those
   * that a run of its own writes. Memory does not grow with the model, and only by the writers with
   * the number of outputs: a thread works on one tile for one output after the other.
   *
   * <p>All outputs are complete under temporary names and accepted before the first is put in
   * place; they are then put in place in the order given. If anything fails before, no output
   * changes. If putting one in place fails, those before it are in place, and the exception names
   * them.
   *
   * @param input any input
   * @param outputs the outputs, at least one; all read the input with the same options
   * @param overwrite whether to replace existing outputs
   * @param gate receives the reports after everything is written under temporary names, even if
   *     outputs are then refused, see {@link Reports#accepted}. If it throws, the exception is
   *     rethrown, and no output changes
   * @return the results, an entry for each output
   * @throws dev.monoquant.OutputException if two outputs have the same place, or one is in another
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public Reports quantize(
      ModelInput input, List<Output> outputs, boolean overwrite, Consumer<Reports> gate) {
    return OutputsRun.quantize(settings, input, outputs, overwrite, gate);
  }

  /** {@return outputs that are written in units, on one machine or several} */
  public UnitRuns units() {
    return new UnitRuns(settings);
  }

  /**
   * Quantizes a model and holds the result in memory or in a temporary file.
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
   * Quantizes a file or directory and holds the result in a temporary file.
   *
   * @param path a file or directory
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(Path path, QuantizationConfig config) {
    return quantize(ModelInput.of(path), config);
  }

  /**
   * Quantizes a live TorchScript model to a smaller and faster model, with the default
   * configuration.
   *
   * @param model not changed
   * @return a new model on the CPU; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(Model, QuantizationConfig, Consumer)}
   */
  public Model quantize(Model model) {
    return quantize(model, QuantizationConfig.DEFAULT);
  }

  /**
   * Quantizes a live TorchScript model to a smaller and faster model.
   *
   * @param model not changed; its block was loaded from TorchScript
   * @param config what to quantize and how
   * @return a new model on the CPU; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(Model, QuantizationConfig, Consumer)}
   */
  public Model quantize(Model model, QuantizationConfig config) {
    return quantize(model, config, report -> {});
  }

  /**
   * Quantizes a live TorchScript model to a smaller and faster model. Runs the original and the
   * result side by side before it returns, see {@link #withSamples}.
   *
   * <p>The result answers for its name, path, artifacts, properties and data type what the original
   * answers, so that translators find their files, such as {@code synset.txt}. The result of a
   * {@link ai.djl.repository.zoo.ZooModel} is one with the same translator. Original and result may
   * be closed in any order.
   *
   * <p>A model with a Java block cannot be rewritten; use {@link #quantizeWeights} for it.
   *
   * @param model not changed; its block was loaded from TorchScript
   * @param config what to quantize and how
   * @param gate receives the report; if it throws, the exception is rethrown and no model is made
   * @return a new model on the CPU; the caller closes it
   * @throws dev.monoquant.QuantException as {@link #quantize(ModelInput, QuantizationConfig, Path,
   *     boolean)}
   */
  public Model quantize(Model model, QuantizationConfig config, Consumer<Report> gate) {
    return ModelRewrite.quantize(settings, model, config, gate);
  }

  /**
   * Quantizes the weights of a live model with any block and holds them in memory.
   *
   * @param model not changed
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
   * @param block not changed
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(Block block, QuantizationConfig config) {
    return quantize(ModelInput.of(block), config);
  }

  /**
   * Quantizes a list of named arrays.
   *
   * @param list not changed
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(NDList list, QuantizationConfig config) {
    return quantize(ModelInput.of(list), config);
  }

  /**
   * Quantizes a live state dict.
   *
   * @param tensors not changed
   * @param config what to quantize and how
   * @return the result; the caller closes it
   */
  public QuantizedModel quantize(Map<String, NDArray> tensors, QuantizationConfig config) {
    return quantize(ModelInput.of(tensors), config);
  }

  /**
   * Opens a quantized model.
   *
   * @param path a quantized file or directory
   * @return the model; the caller closes it
   * @throws dev.monoquant.ModelFormatException if it is damaged, foreign, or not quantized
   */
  public QuantizedModel load(Path path) {
    return Stages.load(settings, ModelInput.of(path));
  }

  /**
   * Writes the codes and scales of a quantized model in another format. Nothing is rounded again: a
   * format that cannot hold them refuses.
   *
   * @param input a quantized model
   * @param target the new file or directory
   * @param format the id of an output format; if empty, the name of the target decides
   * @param overwrite whether to replace an existing target; never an input
   * @return the written files
   * @throws dev.monoquant.ModelFormatException if the input is damaged, foreign, or not quantized
   * @throws dev.monoquant.ConfigurationException if the format cannot hold a weight unchanged
   * @throws dev.monoquant.OutputException if writing fails
   */
  public List<Path> convert(
      ModelInput input, Path target, Optional<String> format, boolean overwrite) {
    return Stages.convert(settings, input, target, format, overwrite);
  }

  /**
   * Writes a model with all quantized weights decoded to their original float types.
   *
   * @param input a quantized model
   * @param target the file or directory to create
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
   * Reads an output again: compares every stored byte with the hashes in its manifest and decodes
   * every quantized weight. With the original, it also compares the files of the original with the
   * hashes, the unquantized tensors with those of the original, and each weight's error with the
   * bound that the scheme declares.
   *
   * @param output a file or directory written by this library
   * @param against the original; empty if it is not available
   * @return the counts and the differences
   * @throws dev.monoquant.ValidationException if the output is no longer readable, or has no
   *     manifest
   * @throws dev.monoquant.ModelFormatException if a file is missing, or the original is damaged or
   *     foreign
   */
  public Verification verify(Path output, Optional<ModelInput> against) {
    return Stages.verify(settings, output, against);
  }

  /**
   * Compares two models tensor by tensor, with quantized weights decoded.
   *
   * @param a the first model, used as the original
   * @param b the second model
   * @return equal tensors, and the errors of the others
   * @throws dev.monoquant.ModelFormatException if a model is damaged or foreign
   */
  public Comparison compare(ModelInput a, ModelInput b) {
    return Stages.compare(settings, a, b);
  }
}
