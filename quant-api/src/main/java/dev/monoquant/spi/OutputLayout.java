package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The layout of an output: everything except the values. Immutable; thread-safe. */
public interface OutputLayout {

  /** {@return bytes of all tensor files including headers, without side files} */
  long bytes();

  /**
   * Where bytes lie in the output.
   *
   * @param file the name of the file, relative to the target; empty if the output is a file
   * @param offset the first byte
   * @param length the number of bytes
   */
  record Place(String file, long offset, long length) {}

  /**
   * Where the bytes of a weight or of an unquantized tensor will lie, so that several runs can
   * write an output together, see {@link OutputShare}.
   *
   * @param name the name of a weight or unquantized tensor of the output
   * @return its places, and no others have bytes of it; empty if the format has no such places, and
   *     then its writer refuses shares
   */
  default List<Place> places(String name) {
    return List.of();
  }

  /**
   * The files beside the tensor files: those that an output will have, with their exact sizes, and
   * those of {@link ModelInfo#sideFiles()} that it will not have.
   *
   * @param target the path of the output
   * @return the files; empty if the output is one file and nothing lies beside the input
   */
  default List<BesideFile> beside(Path target) {
    return List.of();
  }

  /**
   * Remarks for the user on how weights will be stored or executed, for the plan and the report.
   *
   * @return a sentence by the name of the weight; a weight without a remark has no entry
   */
  default Map<String, String> remarks() {
    return Map.of();
  }

  /**
   * Notes for the user on the output as a whole, for the plan and the report: the data besides
   * tensors that is copied from the input, and the data that is omitted.
   *
   * @return sentences, with counts and bytes; empty if there are none
   */
  default List<String> notes() {
    return List.of();
  }

  /**
   * Warnings for the user, for the plan and the report: what a program that loads the output would
   * get wrong without saying so.
   *
   * @return sentences; empty if there are none
   */
  default List<String> warnings() {
    return List.of();
  }

  /**
   * Starts to write.
   *
   * @param options the target and how to write it
   * @return the writer; the caller closes it before the session
   * @throws IOException if writing fails
   * @throws dev.monoquant.OutputException if the target must not be written: it exists and {@link
   *     WriteOptions#overwrite()} is false, or it is an input
   * @throws dev.monoquant.ConfigurationException if the run resumes another and this format does
   *     not support it
   */
  OutputWriter open(WriteOptions options) throws IOException;
}
