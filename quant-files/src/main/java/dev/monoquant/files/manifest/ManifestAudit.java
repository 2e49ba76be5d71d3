package dev.monoquant.files.manifest;

import dev.monoquant.ModelFormatException;
import dev.monoquant.Problem;
import dev.monoquant.spi.Audit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;

/**
 * Compares stored data with a {@link Manifest}. A reader whose outputs carry a manifest file
 * implements {@link dev.monoquant.spi.Auditable} with {@link #directory}. Ignores files that are
 * not listed in the manifest. Not thread-safe.
 */
public final class ManifestAudit {

  private static final String REMEDY = "The output was damaged or changed; make it anew";

  /**
   * The location of the bytes of a stored tensor.
   *
   * @param source the source of the bytes
   * @param start the offset of the first byte
   * @param bytes the number of bytes
   */
  public record Stored(HashPool.Bytes source, long start, long bytes) {}

  private final Manifest manifest;
  private final HashKind kind;
  private final List<Problem> differences = new ArrayList<>();
  private int checked;
  private long bytes;

  /**
   * Makes an audit without results.
   *
   * @param manifest the expected hashes
   */
  public ManifestAudit(Manifest manifest) {
    this.manifest = manifest;
    this.kind = manifest.kinds().outputs();
  }

  /**
   * Reads every byte of a model directory and compares it with the manifest file in it.
   *
   * @param root the directory
   * @param headers the bytes before the data of each tensor file, by its name in the directory
   * @param tensors every stored tensor, or part of one, by its name in the manifest
   * @return the result; one difference if the manifest cannot be read
   * @throws IOException if reading fails
   */
  public static Audit directory(Path root, Map<String, byte[]> headers, Map<String, Stored> tensors)
      throws IOException {
    byte[] text = readSmall(root.resolve(Manifest.FILE));
    Manifest manifest;
    try {
      manifest = Manifest.parse(text, root.resolve(Manifest.FILE).toString());
    } catch (ModelFormatException e) {
      return unreadable(Manifest.FILE, e);
    }
    ManifestAudit audit = new ManifestAudit(manifest);
    audit.compareSelf(Manifest.FILE, ByteBuffer.wrap(text));
    headers.forEach(
        (name, header) -> {
          String expected = manifest.headers().getOrDefault(name, "none");
          audit.compare("the header of " + name, expected, audit.kind.of(header));
        });
    for (String name : manifest.headers().keySet()) {
      if (!headers.containsKey(name)) {
        audit.differs(name, "the file is missing, or the index does not name it");
      }
    }
    audit.files(root);
    audit.tensors(tensors);
    return audit.result(manifest.made());
  }

  private static byte[] readSmall(Path path) throws IOException {
    if (Files.size(path) > Manifest.MOST_BYTES) {
      throw new IOException(path + ": a manifest has at most " + Manifest.MOST_BYTES + " bytes");
    }
    return Files.readAllBytes(path);
  }

  /**
   * {@return the result if the manifest cannot be read}
   *
   * @param subject the location of the manifest
   * @param e the reason
   */
  public static Audit unreadable(String subject, ModelFormatException e) {
    Problem problem = Problem.error(subject, String.valueOf(e.getMessage()), "");
    return new Audit(Map.of(), HashKind.NONE.wire(), Map.of(), 0, 0, List.of(problem));
  }

  /**
   * Compares all tensors.
   *
   * @param stored the stored tensors, by name
   * @throws IOException if reading fails
   */
  public void tensors(Map<String, Stored> stored) throws IOException {
    try (HashPool pool = new HashPool()) {
      Map<String, Future<String>> hashes = new LinkedHashMap<>();
      stored.forEach(
          (name, at) -> {
            if (kind != HashKind.NONE) {
              checked++;
              bytes += at.bytes();
            }
            hashes.put(name, pool.submit(kind, at.source(), at.start(), at.bytes()));
          });
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

  private void files(Path root) throws IOException {
    try (HashPool pool = new HashPool()) {
      for (Map.Entry<String, String> side : manifest.files().entrySet()) {
        Optional<Path> path = inside(root, side.getKey());
        if (path.isEmpty() || !Files.isRegularFile(path.get())) {
          differs(side.getKey(), "the file is missing");
          continue;
        }
        String actual = HashPool.await(pool.submit(kind, path.get(), Files.size(path.get())));
        compare(side.getKey(), side.getValue(), actual);
      }
    }
  }

  /** A manifest is untrusted: a name that leads outside the directory counts as absent. */
  private static Optional<Path> inside(Path root, String name) {
    try {
      Path path = root.resolve(name).normalize();
      return Optional.of(path).filter(p -> p.startsWith(root.normalize()));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /**
   * Compares {@link Manifest#self}.
   *
   * @param what the name of the hashed data
   * @param holder the bytes that hold the manifest
   */
  public void compareSelf(String what, ByteBuffer holder) {
    compare(HashKind.SHA256, what, manifest.self(), manifest.hashOf(holder));
  }

  /**
   * Compares a hash of the kind of the manifest.
   *
   * @param what the name of the hashed data
   * @param expected the hash in the manifest; none if it does not name the data
   * @param actual the computed hash
   */
  public void compare(String what, String expected, String actual) {
    compare(kind, what, expected, actual);
  }

  private void compare(HashKind of, String what, String expected, String actual) {
    if (!actual.equals(expected)) {
      differs(what, "its " + of.noun() + " is " + actual + ", the manifest says " + expected);
    }
  }

  /**
   * Adds a difference that no hash shows.
   *
   * @param what the tensor or file
   * @param message what is wrong with it
   */
  public void differs(String what, String message) {
    differences.add(Problem.error(what, message, REMEDY));
  }

  /**
   * {@return the result}
   *
   * @param made how the model was made
   */
  public Audit result(Map<String, String> made) {
    return new Audit(
        made, manifest.kinds().inputs().wire(), manifest.inputs(), checked, bytes, differences);
  }
}
