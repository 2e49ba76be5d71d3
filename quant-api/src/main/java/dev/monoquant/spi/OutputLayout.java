package dev.monoquant.spi;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** An output of which everything is known but its numbers. Immutable; thread-safe. */
public interface OutputLayout {

  /** {@return bytes of all tensor files, headers included; side files not} */
  long bytes();

  /**
   * What the user should know about how weights will be stored or executed, for the plan and the
   * report.
   *
   * @return a sentence by the name of the weight; a weight without one is left out
   */
  default Map<String, String> remarks() {
    return Map.of();
  }

  /**
   * What the user should know about the output as a whole, for the plan and the report: what of the
   * input is carried over besides the tensors, and what is left out.
   *
   * @return sentences, with counts and bytes; empty if there is nothing to say
   */
  default List<String> notes() {
    return List.of();
  }

  /**
   * Starts to write.
   *
   * @param options where to, and how
   * @return the output in the making; the caller closes it, before the session
   * @throws IOException if writing fails
   * @throws dev.monoquant.OutputException if the target may not be written: it exists and {@link
   *     WriteOptions#overwrite()} is false, or it is an input
   * @throws dev.monoquant.ConfigurationException if a run is to be resumed and outputs of this
   *     format cannot be
   */
  OutputWriter open(WriteOptions options) throws IOException;
}
