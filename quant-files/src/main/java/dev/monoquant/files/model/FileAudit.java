package dev.monoquant.files.model;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ManifestAudit;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads every byte of a safetensors model and compares it with its {@link Manifest}. */
final class FileAudit {

  private FileAudit() {}

  /** {@return the audit of a model by its manifest; empty if it has no manifest} */
  static Optional<Auditable> of(ModelFiles files) {
    SafetensorsFile single = files.shards().get("");
    if (single != null) {
      String text = single.metadata().get(Manifest.KEY);
      return text == null ? Optional.empty() : Optional.of(() -> single(files, single, text));
    }
    Path root = Locations.folder(files.paths().get(0));
    return Files.isRegularFile(root.resolve(Manifest.FILE))
        ? Optional.of(() -> directory(files, root))
        : Optional.empty();
  }

  private static Audit single(ModelFiles files, SafetensorsFile file, String text)
      throws IOException {
    Manifest manifest;
    try {
      manifest = Manifest.parse(text.getBytes(StandardCharsets.UTF_8), file.label());
    } catch (ModelFormatException e) {
      return ManifestAudit.unreadable(Manifest.KEY, e);
    }
    ManifestAudit audit = new ManifestAudit(manifest);
    audit.compareSelf(
        "the header of " + file.label(), file.raw(0, Math.toIntExact(file.dataStart())));
    audit.tensors(tensors(files));
    Map<String, String> made = new TreeMap<>(file.metadata());
    made.keySet()
        .removeIf(key -> !key.startsWith(ProvenanceText.PREFIX) || key.equals(Manifest.KEY));
    return audit.result(made);
  }

  private static Audit directory(ModelFiles files, Path root) throws IOException {
    Map<String, byte[]> headers = new LinkedHashMap<>();
    for (Map.Entry<String, SafetensorsFile> shard : files.shards().entrySet()) {
      headers.put(shard.getKey(), header(shard.getValue()));
    }
    return ManifestAudit.directory(root, headers, tensors(files));
  }

  private static byte[] header(SafetensorsFile file) throws IOException {
    byte[] header = new byte[(int) file.dataStart()];
    file.raw(0, header.length).get(header);
    return header;
  }

  private static Map<String, ManifestAudit.Stored> tensors(ModelFiles files) {
    Map<String, ManifestAudit.Stored> stored = new LinkedHashMap<>();
    for (ModelFiles.Located tensor : files.tensors().values()) {
      stored.put(
          tensor.stored().name(),
          new ManifestAudit.Stored(
              bytes(tensor.file(), tensor.stored()), 0, tensor.stored().bytes()));
    }
    return stored;
  }

  private static HashPool.Bytes bytes(SafetensorsFile file, StoredTensor tensor) {
    return (ByteBuffer to, long position) -> {
      int count = (int) Math.min(to.remaining(), tensor.bytes() - position);
      to.put(file.read(tensor, position, count));
      return count;
    };
  }
}
