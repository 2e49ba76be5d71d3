package dev.monoquant.io.gguf;

import dev.monoquant.files.gguf.GgufLayout;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What a source must have to be written as a GGUF file. */
interface GgufModel {

  /** {@return the metadata of all parts in order, each key once} */
  List<GgufLayout.Value> metadata() throws IOException;

  /**
   * {@return a whole number of the metadata, the first one of an array; empty if the key is absent
   * or has another type}
   *
   * @param key a key, such as {@code llama.block_count}
   */
  OptionalLong number(String key) throws IOException;

  /** {@return a text of the metadata; empty if the key is absent or has another type} */
  Optional<String> text(String key);

  /** {@return the alignment that the metadata says} */
  long alignment();
}
