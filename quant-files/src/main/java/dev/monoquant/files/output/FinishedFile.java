package dev.monoquant.files.output;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Future;

/** Checks files that an interrupted run says to have finished. */
public final class FinishedFile {

  private FinishedFile() {}

  /** Whether a file holds exactly what the journal says; every byte is read. */
  static boolean isWhole(Path path, Journal.Entry entry, HashPool pool) throws IOException {
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    try (SafetensorsFile file = SafetensorsFile.open(path, path.toString(), ReadLimits.DEFAULT)) {
      byte[] header = new byte[(int) file.dataStart()];
      file.raw(0, header.length).get(header);
      if (!HashPool.hash(header).equals(entry.header())
          || file.tensors().size() != entry.tensors().size()) {
        return false;
      }
      Map<String, Future<String>> hashes = new LinkedHashMap<>();
      for (StoredTensor tensor : file.tensors()) {
        hashes.put(tensor.name(), pool.submit(bytes(file, tensor), 0, tensor.bytes()));
      }
      boolean whole = true;
      for (Map.Entry<String, Future<String>> hash : hashes.entrySet()) {
        whole &= HashPool.await(hash.getValue()).equals(entry.tensors().get(hash.getKey()));
      }
      return whole;
    } catch (ModelFormatException damaged) {
      return false;
    }
  }

  /**
   * {@return the bytes of a tensor of an open file, to be hashed}
   *
   * @param file the file
   * @param tensor one of its tensors
   */
  public static HashPool.Bytes bytes(SafetensorsFile file, StoredTensor tensor) {
    return (ByteBuffer to, long position) -> {
      int count = (int) Math.min(to.remaining(), tensor.bytes() - position);
      to.put(file.read(tensor, position, count));
      return count;
    };
  }
}
