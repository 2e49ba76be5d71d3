package dev.monoquant.spi;

import java.io.IOException;
import java.util.List;

/**
 * Recognises and opens one kind of model.
 *
 * <p>What this does not do: it infers no layers and knows no schemes. Stateless and thread-safe.
 */
public interface InputFormatDetector {

  /** Bytes that {@link #probe} may look at from either end of a file. */
  int LOOK_AHEAD = 1 << 16;

  /** {@return the id, such as {@code safetensors}; third parties use {@code vendor/name}} */
  String id();

  /**
   * Tells how much the input looks like this format.
   *
   * <p>Reads at most the first and the last {@link #LOOK_AHEAD} bytes of a file (an archive has its
   * table of contents at the end) and names of a directory's entries, has no side effects and never
   * throws on foreign bytes: what cannot be read is {@link Match#NONE}. A damaged file of this
   * format should match, so that {@link #open} can say what is wrong with it.
   *
   * @param input any input
   * @return how sure this detector is
   */
  Match probe(ModelInput input);

  /**
   * Opens an input and checks its structure completely; the data itself is not read.
   *
   * @param input an input that matched
   * @param limits how much to believe
   * @return the open source; the caller closes it
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if it is damaged, foreign or over a limit
   */
  ModelSource open(ModelInput input, ReadLimits limits) throws IOException;

  /**
   * The options of this format's own, described. Any other is refused, and so is a value that the
   * description does not allow; they are given for a whole model, and every output tells them.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * Opens an input as {@link #open(ModelInput, ReadLimits)} does, in a way that options ask for.
   * This is the method that the framework calls; with {@link OptionValues#DEFAULTS} both are the
   * same.
   *
   * @param input an input that matched
   * @param limits how much to believe
   * @param options a value for each of {@link #options()}
   * @return the open source; the caller closes it
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if it is damaged, foreign or over a limit
   */
  default ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
      throws IOException {
    return open(input, limits);
  }
}
