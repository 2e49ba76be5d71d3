package dev.monoquant.spi;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Recognises and opens models of one format.
 *
 * <p>What this does not do: it does not infer layers and does not handle schemes. Stateless and
 * thread-safe.
 */
public interface InputFormatDetector {

  /** Bytes that {@link #probe} may read from each end of a file. */
  int LOOK_AHEAD = 1 << 16;

  /** {@return the id, such as {@code safetensors}; third parties use {@code vendor/name}} */
  String id();

  /**
   * Checks whether the input looks like this format.
   *
   * <p>Reads at most the first and the last {@link #LOOK_AHEAD} bytes of a file (an archive has its
   * table of contents at the end) and the names of a directory's entries. Has no side effects and
   * never throws on foreign bytes: the result for an unreadable file is {@link Match#NONE}. A
   * damaged file of this format should match, so that {@link #open} can report the damage.
   *
   * @param input any input
   * @return the strength of the evidence
   */
  Match probe(ModelInput input);

  /**
   * Opens an input and checks its whole structure without reading tensor data.
   *
   * @param input an input that matched
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open source; the caller closes it
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if the input is damaged, foreign or over a limit
   */
  ModelSource open(ModelInput input, ReadLimits limits) throws IOException;

  /**
   * The options that this format declares. The framework refuses any other option and any value
   * that the description does not allow. They apply to the whole model, and every output records
   * them.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * Opens an input with options. The framework calls this method; with {@link
   * OptionValues#DEFAULTS} it does the same as {@link #open(ModelInput, ReadLimits)}.
   *
   * @param input an input that matched
   * @param limits bounds on sizes and counts read from untrusted input
   * @param options a value for each of {@link #options()}
   * @return the open source; the caller closes it
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if the input is damaged, foreign or over a limit
   */
  default ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
      throws IOException {
    return open(input, limits);
  }

  /**
   * Describes the program of an input without reading its weights, so that a model whose weights
   * cannot be read, such as one that another project quantized, can be checked and run.
   *
   * @param input an input that matched
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the program; by default empty, since inputs of most formats have none
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if the input is damaged, foreign or over a limit
   */
  default Optional<RunnableFile> program(ModelInput input, ReadLimits limits) throws IOException {
    return Optional.empty();
  }
}
