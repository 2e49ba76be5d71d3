package dev.monoquant.files.gguf;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ValidationException;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * An open GGUF file of version 2 or 3 with a completely checked structure. All numbers are
 * little-endian:
 *
 * <pre>
 * "GGUF", u32 version, u64 tensors, u64 values
 * for each value:   key (u64 length, UTF-8), u32 type, the value, see {@link GgufValue.Type}
 * for each tensor:  name (u64 length, UTF-8), u32 dimensions, u64 each, u32 type, u64 offset
 * zeros up to a multiple of the alignment (the value general.alignment, 32 without it)
 * for each tensor:  its data at its offset from here, zeros up to a multiple of the alignment
 * </pre>
 *
 * <p>Refuses what llama.cpp refuses: duplicate names and keys, tensors that are not one after the
 * other, rows that are not whole blocks, arrays of arrays. Big-endian files and version 1 are
 * refused by name. Bytes after the last tensor are counted, see {@link #unusedBytes}.
 *
 * <p>Thread-safe except {@link #close}. Does not decode blocks and does not interpret metadata.
 * Source: {@code ggml/src/gguf.cpp} and {@code docs/gguf.md} of ggml.
 */
public final class GgufFile implements Closeable {

  private final String label;
  private final MappedFile file;
  private final GgufHeader header;

  private GgufFile(String label, MappedFile file, GgufHeader header) {
    this.label = label;
    this.file = file;
    this.header = header;
  }

  /**
   * Opens and checks a file.
   *
   * @param path the file
   * @param label its name, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open file; the caller closes it
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged, has another format or exceeds a limit
   */
  public static GgufFile open(Path path, String label, ReadLimits limits) throws IOException {
    MappedFile file = MappedFile.open(path);
    try {
      return new GgufFile(label, file, new GgufHeader.Parser(file, label, limits).header());
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /**
   * Reads a finished file and compares its structure with the planned one.
   *
   * @param path the file
   * @param layout its layout
   * @throws IOException if reading fails
   * @throws ValidationException if it differs
   */
  public static void check(Path path, GgufLayout layout) throws IOException {
    ReadLimits limits =
        ReadLimits.DEFAULT.withMaxTensors(Integer.MAX_VALUE).withMaxParsedBytes(Long.MAX_VALUE);
    try (GgufFile written = open(path, path.toString(), limits)) {
      if (!written.tensors().equals(layout.tensors()) || written.unusedBytes() != 0) {
        throw new ValidationException(
            path + ": the tensors that were written are not those that were planned");
      }
    }
  }

  /** {@return the file's name for messages} */
  public String label() {
    return label;
  }

  /** {@return the metadata by key, in the order of the file} */
  public Map<String, GgufValue> metadata() {
    return header.metadata();
  }

  /** {@return the tensors in the order of the file} */
  public List<GgufTensor> tensors() {
    return header.tensors();
  }

  /** {@return the alignment of tensors} */
  public long alignment() {
    return header.alignment();
  }

  /**
   * {@return a value of the metadata as it is in the file}
   *
   * @param key one of its keys
   * @throws IOException if the file cannot be mapped
   */
  public GgufLayout.Value value(String key) throws IOException {
    GgufValue value = header.metadata().get(key);
    if (value == null) {
      throw new IllegalArgumentException(label + " has no value " + key);
    }
    return new GgufLayout.Value(
        key, value.type(), file.slice(value.offset(), Math.toIntExact(value.bytes())));
  }

  /**
   * {@return the bytes before the data}
   *
   * @throws IOException if the file cannot be mapped
   */
  public byte[] headerBytes() throws IOException {
    byte[] bytes = new byte[Math.toIntExact(header.dataStart())];
    file.slice(0, bytes.length).get(bytes);
    return bytes;
  }

  /**
   * {@return the names of tensors with other bytes than zeros between their end and the next one}
   *
   * @throws IOException if the file cannot be mapped
   */
  public List<String> dirtyPaddings() throws IOException {
    List<String> dirty = new ArrayList<>();
    List<GgufTensor> tensors = tensors();
    for (int i = 0; i < tensors.size(); i++) {
      long end = tensors.get(i).offset() + tensors.get(i).bytes();
      long next =
          i + 1 < tensors.size()
              ? tensors.get(i + 1).offset()
              : Math.min((end + alignment() - 1) & -alignment(), file.size() - header.dataStart());
      ByteBuffer padding = file.slice(header.dataStart() + end, (int) (next - end));
      while (padding.hasRemaining()) {
        if (padding.get() != 0) {
          dirty.add(tensors.get(i).name());
          break;
        }
      }
    }
    return dirty;
  }

  /** {@return bytes behind the last tensor and its padding} */
  public long unusedBytes() {
    return header.unusedBytes();
  }

  /**
   * Reads a part of a tensor.
   *
   * @param tensor one of {@link #tensors()}
   * @param offset the first byte within its data
   * @param length the number of bytes
   * @return a read-only little-endian view
   * @throws IOException if the file cannot be mapped
   */
  public ByteBuffer read(GgufTensor tensor, long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > tensor.bytes() - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of " + tensor);
    }
    return file.slice(header.dataStart() + tensor.offset() + offset, length);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
