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
  default OptionalLong number(String key) throws IOException {
    return find(key).map(GgufLayout.Value::number).orElse(OptionalLong.empty());
  }

  /**
   * {@return a text of the metadata; empty if the key is absent or has another type}
   *
   * @param key a key, such as {@code general.architecture}
   */
  default Optional<String> text(String key) throws IOException {
    return find(key).flatMap(GgufLayout.Value::text);
  }

  private Optional<GgufLayout.Value> find(String key) throws IOException {
    return metadata().stream().filter(value -> value.key().equals(key)).findFirst();
  }

  /** {@return the alignment that the metadata says} */
  long alignment();
}
