package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A format to store a model: names, packing and files.
 *
 * <p>A run opens a format once for its model and uses the {@link OutputSession} for everything
 * else:
 *
 * <pre>
 * OutputFormat  --view(source)--->  ModelSource     the model as loaders of the output see it
 *               --open(source)--->  OutputSession   which weights can be stored?
 *               --layout(contents)> OutputLayout    how large will it be, where does everything go?
 *               --open(options)-->  OutputWriter    tiles in any order, then commit
 * </pre>
 *
 * <p>What this does not do: it does not compute codes. Stateless and thread-safe.
 */
public interface OutputFormat {

  /** {@return the id, such as {@code safetensors}; third parties use {@code vendor/name}} */
  String id();

  /**
   * The options that this format declares. They are set like options of schemes, for all weights or
   * by rules for some; {@link EncodedWeight#storage()} holds a value for each.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * The names of the mixes that {@link OutputSession#mix} finds, for lists and for messages.
   *
   * @return names in upper case, such as {@code Q4_K_M}, the same at each call; none by default
   */
  default List<String> mixes() {
    return List.of();
  }

  /**
   * Whether this format is chosen for a target if the user names no format.
   *
   * @param target the path of the output; it may not exist
   * @return true if the extension of the name belongs to this format
   */
  boolean accepts(Path target);

  /**
   * Whether this format is chosen for a target that another format would accept, because the model
   * is of a kind that only this format can keep: a directory that an engine serves becomes another
   * such directory. Asked only if the user names no format.
   *
   * @param source the open model
   * @param target the path of the output; it may not exist
   * @return false by default
   */
  default boolean continues(ModelSource source, Path target) {
    return false;
  }

  /**
   * Whether the engine can run outputs: {@link OutputWriter#finish} then returns a file, which is
   * run side by side with the original before the output is accepted. If false, settings for this
   * comparison are refused.
   *
   * @return false by default
   */
  default boolean isRunnable() {
    return false;
  }

  /**
   * Whether outputs tell their loaders how activations are quantized: {@link
   * EncodedWeight#activations} and {@link OutputContents#kvCache}. If false, a run leaves both out
   * and warns.
   *
   * @return false by default
   */
  default boolean holdsActivations() {
    return false;
  }

  /**
   * Whether an output needs the range of the inputs of a weight's layer, as a calibration has
   * measured it, and does not have it yet. The run then passes it to {@link #withRange}; if it is
   * not known, the user is told, and without a calibration the plan has an error.
   *
   * @param weight the weight with its {@linkplain EncodedWeight#storage() storage options}
   * @return false by default
   */
  default boolean needsRange(EncodedWeight weight) {
    return false;
  }

  /**
   * Adds the range of the inputs of a weight's layer.
   *
   * @param weight a weight; one that {@link #needsRange}, or that had another range before
   * @param range the least and the greatest input
   * @return the weight whose storage options tell it; by default the weight itself, which does not
   *     depend on it
   */
  default EncodedWeight withRange(EncodedWeight weight, Facts.Range range) {
    return weight;
  }

  /**
   * Adapts a model to the loaders of an output before planning: declares layers whose weights they
   * merge ({@link ModelInfo#families()}), and other names or shapes for the same data. Nothing is
   * copied. A view tells by {@link ModelSource#origin} which tensors it shows unchanged, so that a
   * run with several outputs reads them once; the outputs of one format share one view.
   *
   * @param source the open model; the caller closes it, but does not close the view
   * @return the model to plan, read and pass to {@link #open}; by default the source itself
   * @throws IOException if reading fails
   * @throws dev.monoquant.ConfigurationException if no loader could read an output of this model
   */
  default ModelSource view(ModelSource source) throws IOException {
    return source;
  }

  /**
   * Adapts a model to the loaders of an output that holds no quantized weights. Unlike {@link
   * #view}, nothing is taken apart that loaders of float models know as a whole.
   *
   * @param source the open model; the caller closes it, but does not close the view
   * @return the model to read and pass to {@link #open}; by default the source itself
   * @throws IOException if reading fails
   * @throws dev.monoquant.ConfigurationException if no loader could read an output of this model
   */
  default ModelSource floatView(ModelSource source) throws IOException {
    return source;
  }

  /**
   * Shows a model with the names and shapes that an output of this format has when it is read
   * again, to compare both. Differs from {@link #view} if an output joins what the view separates.
   *
   * @param source the open model; the caller closes it, but does not close the view
   * @return the model; by default as {@link #view} shows it
   * @throws IOException if reading fails
   */
  default ModelSource storedView(ModelSource source) throws IOException {
    return view(source);
  }

  /**
   * Prepares an output of a model. Expensive analysis of the whole model, such as its code, is done
   * here or at first use, and its result is kept.
   *
   * @param source the open model, as returned by {@link #view}; the caller closes it after the
   *     session
   * @return the session; the caller closes it
   * @throws IOException if reading fails
   * @throws dev.monoquant.ConfigurationException if this format cannot store such a model
   */
  OutputSession open(ModelSource source) throws IOException;
}
