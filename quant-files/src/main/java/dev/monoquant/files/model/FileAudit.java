package dev.monoquant.files.model;

import dev.monoquant.ModelFormatException;
import dev.monoquant.Problem;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.FinishedFile;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Future;

/**
 * Reads every byte of a model that carries a {@link Manifest}, and compares. Files beside it that
 * the manifest does not name are nobody's business.
 */
public final class FileAudit {

  private static final String REMEDY = "The output was damaged or changed; make it anew";

  private final ModelFiles files;
  private final Manifest manifest;
  private final List<Problem> differences = new ArrayList<>();
  private long bytes;

  private FileAudit(ModelFiles files, Manifest manifest) {
    this.files = files;
    this.manifest = manifest;
  }

  /**
   * {@return what audits a model by its manifest; empty if it has none}
   *
   * @param files the open files of the model
   */
  public static Optional<Auditable> of(ModelFiles files) {
    SafetensorsFile single = files.shards().get("");
    if (single != null) {
      String text = single.metadata().get(Manifest.KEY);
      return text == null ? Optional.empty() : Optional.of(() -> single(files, single, text));
    }
    Path root = Locations.folder(files.paths().get(0));
    Path file = root.resolve(Manifest.FILE);
    return Files.isRegularFile(file)
        ? Optional.of(() -> directory(files, root, file))
        : Optional.empty();
  }

  private static Audit single(ModelFiles files, SafetensorsFile file, String text)
      throws IOException {
    Manifest manifest;
    try {
      manifest = Manifest.parse(text.getBytes(StandardCharsets.UTF_8), file.label());
    } catch (ModelFormatException e) {
      return unreadable(Manifest.KEY, e);
    }
    FileAudit audit = new FileAudit(files, manifest);
    byte[] header = new byte[(int) file.dataStart()];
    file.raw(0, header.length).get(header);
    audit.compare("the header of " + file.label(), manifest.self(), manifest.hashOf(header));
    audit.tensors();
    Map<String, String> made = new TreeMap<>(file.metadata());
    made.keySet().removeIf(key -> !key.startsWith(Manifest.OURS) || key.equals(Manifest.KEY));
    return audit.result(made);
  }

  private static Audit directory(ModelFiles files, Path root, Path path) throws IOException {
    byte[] text = readSmall(path);
    Manifest manifest;
    try {
      manifest = Manifest.parse(text, path.toString());
    } catch (ModelFormatException e) {
      return unreadable(Manifest.FILE, e);
    }
    FileAudit audit = new FileAudit(files, manifest);
    audit.compare(Manifest.FILE, manifest.self(), manifest.hashOf(text));
    for (Map.Entry<String, SafetensorsFile> shard : files.shards().entrySet()) {
      byte[] header = new byte[(int) shard.getValue().dataStart()];
      shard.getValue().raw(0, header.length).get(header);
      String expected = manifest.headers().getOrDefault(shard.getKey(), "none");
      audit.compare("the header of " + shard.getKey(), expected, HashPool.hash(header));
    }
    for (String shard : manifest.headers().keySet()) {
      if (!files.shards().containsKey(shard)) {
        audit.differs(shard, "the file is missing, or the index does not name it");
      }
    }
    audit.sideFiles(root);
    audit.tensors();
    return audit.result(manifest.made());
  }

  private static byte[] readSmall(Path path) throws IOException {
    if (Files.size(path) > Manifest.MOST_BYTES) {
      throw new IOException(path + ": a manifest has at most " + Manifest.MOST_BYTES + " bytes");
    }
    return Files.readAllBytes(path);
  }

  private static Audit unreadable(String subject, ModelFormatException e) {
    Problem problem = Problem.error(subject, String.valueOf(e.getMessage()), "");
    return new Audit(Map.of(), Map.of(), 0, 0, List.of(problem));
  }

  private Audit result(Map<String, String> made) {
    int checked = files.tensors().size();
    return new Audit(made, manifest.inputs(), checked, bytes, differences);
  }

  private void tensors() throws IOException {
    try (HashPool pool = new HashPool()) {
      Map<String, Future<String>> hashes = new LinkedHashMap<>();
      for (ModelFiles.Located tensor : files.tensors().values()) {
        long size = tensor.stored().bytes();
        bytes += size;
        HashPool.Bytes source = FinishedFile.bytes(tensor.file(), tensor.stored());
        hashes.put(tensor.stored().name(), pool.submit(source, 0, size));
      }
      for (Map.Entry<String, Future<String>> hash : hashes.entrySet()) {
        String expected = manifest.tensors().getOrDefault(hash.getKey(), "none");
        compare("tensor " + hash.getKey(), expected, HashPool.await(hash.getValue()));
      }
      for (String name : manifest.tensors().keySet()) {
        if (!hashes.containsKey(name)) {
          differs("tensor " + name, "the manifest names it, but it is not there");
        }
      }
    }
  }

  private void sideFiles(Path root) throws IOException {
    try (HashPool pool = new HashPool()) {
      for (Map.Entry<String, String> side : manifest.files().entrySet()) {
        Optional<Path> path = inside(root, side.getKey());
        if (path.isEmpty() || !Files.isRegularFile(path.get())) {
          differs(side.getKey(), "the file is missing");
          continue;
        }
        String actual = HashPool.await(pool.submit(path.get(), Files.size(path.get())));
        compare(side.getKey(), side.getValue(), actual);
      }
    }
  }

  /** A manifest is as untrusted as all else: what would leave the directory is not there. */
  private static Optional<Path> inside(Path root, String name) {
    try {
      Path path = root.resolve(name).normalize();
      return Optional.of(path).filter(p -> p.startsWith(root.normalize()));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private void compare(String what, String expected, String actual) {
    if (!actual.equals(expected)) {
      differs(what, "its SHA-256 is " + actual + ", the manifest says " + expected);
    }
  }

  private void differs(String what, String message) {
    differences.add(Problem.error(what, message, REMEDY));
  }
}
