package dev.monoquant.io.gguf;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.files.gguf.GgufValue;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ManifestAudit;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads every byte of a GGUF file that {@link GgufOutput} wrote, and compares it. */
final class GgufAudit {

  private GgufAudit() {}

  /** {@return the audit of a file by its manifest; empty if it has none, or is in parts} */
  static Optional<Auditable> of(List<GgufFile> files) {
    GgufValue text = files.get(0).metadata().get(Manifest.KEY);
    return files.size() == 1 && text != null
        ? Optional.of(() -> run(files.get(0), text.text()))
        : Optional.empty();
  }

  private static Audit run(GgufFile file, String text) throws IOException {
    Manifest manifest;
    try {
      manifest = Manifest.parse(text.getBytes(StandardCharsets.UTF_8), file.label());
    } catch (ModelFormatException e) {
      return ManifestAudit.unreadable(Manifest.KEY, e);
    }
    ManifestAudit audit = new ManifestAudit(manifest);
    audit.compareSelf("the header of " + file.label(), ByteBuffer.wrap(file.headerBytes()));
    Map<String, ManifestAudit.Stored> stored = new LinkedHashMap<>();
    file.tensors()
        .forEach(t -> stored.put(t.name(), new ManifestAudit.Stored(bytes(file, t), 0, t.bytes())));
    audit.tensors(stored);
    for (String tensor : file.dirtyPaddings()) {
      audit.differs("tensor " + tensor, "the bytes behind it are not zeros");
    }
    if (file.unusedBytes() > 0) {
      audit.differs(file.label(), file.unusedBytes() + " bytes follow the last tensor");
    }
    Map<String, String> made = new TreeMap<>();
    file.metadata()
        .forEach(
            (key, value) -> {
              if (key.startsWith(ProvenanceText.PREFIX) && !key.equals(Manifest.KEY)) {
                made.put(key, value.text());
              }
            });
    return audit.result(made);
  }

  private static HashPool.Bytes bytes(GgufFile file, GgufTensor tensor) {
    return (ByteBuffer to, long position) -> {
      int count = (int) Math.min(to.remaining(), tensor.bytes() - position);
      to.put(file.read(tensor, position, count));
      return count;
    };
  }
}
