package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.input.Closing;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The open tensor files of a model and its side files. Thread-safe except {@link #close}.
 *
 * <p>Does not distinguish quantized weights from plain tensors.
 */
public final class ModelFiles implements Closeable {

  /**
   * A tensor and its file.
   *
   * @param file the file
   * @param stored its entry there
   * @param info the same in the terms of the API
   */
  public record Located(SafetensorsFile file, StoredTensor stored, TensorInfo info) {

    /**
     * Reads a part of the tensor.
     *
     * @param offset the first byte within its data
     * @param length the number of bytes
     * @return a read-only little-endian view
     * @throws IOException if the file cannot be mapped
     */
    public ByteBuffer read(long offset, int length) throws IOException {
      return file.read(stored, offset, length);
    }
  }

  private final String name;
  private final Map<String, SafetensorsFile> shards;
  private final List<Path> paths;
  private final SideFiles sides;
  private final Map<String, Located> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private volatile boolean closed;

  /**
   * Takes ownership of open files.
   *
   * @param name the model as the user named it
   * @param shards the open files by their names relative to the model's directory; the empty name
   *     if the model is one file
   * @param paths every file that is read
   * @param sides the files beside the tensor files, with notes
   * @param shardOf the shard that each tensor is read from; if empty, all tensors of all shards are
   *     read
   */
  ModelFiles(
      String name,
      Map<String, SafetensorsFile> shards,
      List<Path> paths,
      SideFiles sides,
      Map<String, String> shardOf) {
    this.name = name;
    this.shards = new LinkedHashMap<>(shards);
    this.paths = List.copyOf(paths);
    this.sides = sides;
    shards.forEach(
        (shard, file) -> {
          for (StoredTensor t : file.tensors()) {
            if (!shardOf.isEmpty() && !shard.equals(shardOf.get(t.name()))) {
              continue;
            }
            tensors.put(
                t.name(),
                new Located(file, t, new TensorInfo(t.name(), t.type(), t.shape(), shard)));
          }
          file.metadata().forEach(metadata::putIfAbsent);
        });
  }

  /**
   * Opens a model in a single file.
   *
   * @param path the file
   * @param name the file as the user named it
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open model; the caller closes it
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if it is damaged, has another format or exceeds a
   *     limit
   */
  public static ModelFiles single(Path path, String name, ReadLimits limits) throws IOException {
    SafetensorsFile file = SafetensorsFile.open(path, name, limits);
    return new ModelFiles(name, Map.of("", file), List.of(path), ModelPart.beside(path), Map.of());
  }

  /** {@return the model as the user named it} */
  public String name() {
    return name;
  }

  /** {@return the tensor files by their names in the directory; an empty name if it is one file} */
  public Map<String, SafetensorsFile> shards() {
    return Collections.unmodifiableMap(shards);
  }

  /** {@return all tensors in the order of the shards and of their data, by name} */
  public Map<String, Located> tensors() {
    return tensors;
  }

  /**
   * {@return the tensor, or empty}
   *
   * @param tensor its name
   */
  public Optional<Located> find(String tensor) {
    return Optional.ofNullable(tensors.get(tensor));
  }

  /** {@return the metadata of all shards; where they differ, that of the first shard} */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** {@return the side files to copy} */
  public List<SideFile> sideFiles() {
    return sides.files();
  }

  /** {@return files beside the tensors that are not copied} */
  public List<BesideFile> leftOut() {
    return sides.leftOut();
  }

  /** {@return notes on the files beside the tensors, and on those left out} */
  public List<String> notes() {
    return sides.notes();
  }

  /** {@return every file that is read} */
  public List<Path> paths() {
    return paths;
  }

  /**
   * Reads a part of a tensor.
   *
   * @param tensor its name
   * @param offset the first byte within its data
   * @param length the number of bytes
   * @return a read-only little-endian view
   * @throws IOException if the file cannot be mapped
   */
  public ByteBuffer read(String tensor, long offset, int length) throws IOException {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
    Located located = tensors.get(tensor);
    if (located == null) {
      throw new IllegalArgumentException(name + " holds no tensor " + quote(tensor));
    }
    return located.read(offset, length);
  }

  @Override
  public void close() throws IOException {
    closed = true;
    Closing.all(shards.values());
  }
}
