package dev.monoquant.io.gguf;

import dev.monoquant.files.gguf.GgufLayout;
import java.io.IOException;
import java.util.List;

/** What a source must have to be written as a GGUF file. */
interface GgufModel {

  /** {@return the metadata of all parts in order, each key once} */
  List<GgufLayout.Value> metadata() throws IOException;

  /** {@return the alignment that the metadata says} */
  long alignment();
}
