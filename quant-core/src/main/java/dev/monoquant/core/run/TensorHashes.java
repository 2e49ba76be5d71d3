package dev.monoquant.core.run;

import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/** The SHA-256 of the plain tensors of a model. */
public final class TensorHashes {

  private TensorHashes() {}

  public static Map<String, String> of(ModelSource source) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    for (TensorInfo tensor : source.info().tensors()) {
      hashes.put(tensor.name(), hash(source, tensor));
    }
    return hashes;
  }

  private static String hash(ModelSource source, TensorInfo tensor) throws IOException {
    Sha256 digest = new Sha256();
    for (long at = 0; at < tensor.bytes(); at += TensorPieces.COPY_BYTES) {
      int length = (int) Math.min(TensorPieces.COPY_BYTES, tensor.bytes() - at);
      digest.add(source.read(tensor, at, length));
    }
    return digest.hex();
  }
}
