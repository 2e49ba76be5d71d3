package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Names, packing and files: a way to store a model.
 *
 * <p>A run opens a format once on the model that it reads, and asks the {@link OutputSession} for
 * everything else:
 *
 * <pre>
 * OutputFormat  --view(source)--->  ModelSource     the model as loaders of the output see it
 *               --open(source)--->  OutputSession   which weights can be stored?
 *               --layout(contents)> OutputLayout    how large will it be, where does everything go?
 *               --open(options)-->  OutputWriter    tiles in any order, then commit
 * </pre>
 *
 * <p>What this does not do: it computes no codes. Stateless and thread-safe.
 */
public interface OutputFormat {

  /** {@return the id, such as {@code safetensors}; third parties use {@code vendor/name}} */
  String id();

  /**
   * The options of this format's own, described. They are given like those of schemes, for all
   * weights or by rules for some, and arrive in {@link EncodedWeight#storage()} complete.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * Whether a user who gives this target and no format means this one.
   *
   * @param target where the output is to be; it may not exist
   * @return true if the name says so, by its extension
   */
  boolean accepts(Path target);

  /**
   * Whether outputs can be run by the engine: {@link OutputWriter#finish} then gives a file for it,
   * which is run beside the original before the output is accepted. Settings that say how are
   * refused where it is false.
   *
   * @return false by default
   */
  default boolean isRunnable() {
    return false;
  }

  /**
   * Shows a model as those who load an output see it, before anything is planned: which layers they
   * make one weight of ({@link ModelInfo#families()}), and other names or shapes for the same
   * numbers. Nothing is copied.
   *
   * @param source the open model; the caller closes it and not the view
   * @return what is planned, read and given to {@link #open}; the source itself by default
   * @throws IOException if reading fails
   * @throws dev.monoquant.ConfigurationException if no loader could read an output made of it
   */
  default ModelSource view(ModelSource source) throws IOException {
    return source;
  }

  /**
   * Looks at a model of which an output is to be made. What is costly to find out about the model
   * as a whole, such as the meaning of its code, is found out here or when it is first asked for,
   * and then kept.
   *
   * @param source the open model, as {@link #view} shows it; the caller closes it after the session
   * @return the session; the caller closes it
   * @throws IOException if reading fails
   * @throws dev.monoquant.ConfigurationException if no output of this format can be made of such a
   *     model
   */
  OutputSession open(ModelSource source) throws IOException;
}
