package dev.monoquant.files.safetensors;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ForeignFile;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.json.JsonBytes;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open safetensors file with a completely checked structure.
 *
 * <p>Layout: 8 bytes N, unsigned little-endian; N bytes of JSON in UTF-8, at most 100,000,000; then
 * the data of all tensors without holes. Stricter than the reference reader (safetensors 0.8.0) in
 * cases that two readers may interpret differently: refuses duplicate keys, unknown fields and
 * entries of another form. Does not check the values of tensors; data may be unaligned.
 *
 * <p>Thread-safe. Does not interpret quantized weights or shards.
 */
public final class SafetensorsFile implements Closeable {

  private static final int LENGTH_BYTES = 8;
  private static final long FORMAT_MAX_HEADER = 100_000_000;
  private static final int SNIFF = 512;

  private final String label;
  private final MappedFile file;
  private final long dataStart;
  private final SafetensorsHeader header;
  private final Map<String, StoredTensor> byName;

  private SafetensorsFile(String label, MappedFile file, long dataStart, SafetensorsHeader header) {
    this.label = label;
    this.file = file;
    this.dataStart = dataStart;
    this.header = header;
    this.byName = new HashMap<>();
    header.tensors().forEach(t -> byName.put(t.name(), t));
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
  public static SafetensorsFile open(Path path, String label, ReadLimits limits)
      throws IOException {
    MappedFile file = MappedFile.open(path);
    try {
      long length = headerLength(file, label, limits);
      JsonBytes text = header(file, (int) length);
      refuseForeign(file, label, text);
      long dataStart = LENGTH_BYTES + length;
      return new SafetensorsFile(
          label,
          file,
          dataStart,
          SafetensorsHeader.read(text, label, file.size(), file.size() - dataStart, limits));
    } catch (UncheckedIOException e) {
      file.close();
      throw e.getCause();
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /** The header, read in blocks; that of a remote file is read at once. */
  private static JsonBytes header(MappedFile file, int length) throws IOException {
    if (!file.isMapped()) {
      return JsonBytes.of(file.slice(LENGTH_BYTES, length));
    }
    return new JsonBytes() {
      @Override
      public int length() {
        return length;
      }

      @Override
      public void get(int from, byte[] into, int count) {
        try {
          file.read(LENGTH_BYTES + (long) from, into, count);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    };
  }

  private static long headerLength(MappedFile file, String label, ReadLimits limits)
      throws IOException {
    if (file.size() < LENGTH_BYTES) {
      throw new ModelFormatException(
          Reason.TRUNCATED,
          label,
          "",
          "the file has "
              + file.size()
              + " bytes, a safetensors file has at least 8. The file is cut short; fetch it again.");
    }
    long length = file.slice(0, LENGTH_BYTES).getLong();
    if (Long.compareUnsigned(length, FORMAT_MAX_HEADER) > 0) {
      refuseForeign(file, label);
      throw new ModelFormatException(
          Reason.HEADER_SIZE,
          label,
          "",
          "the header is said to have "
              + Long.toUnsignedString(length)
              + " bytes, the format allows "
              + FORMAT_MAX_HEADER
              + ". This is no safetensors file, or it is damaged; fetch it again.");
    }
    if (length > file.size() - LENGTH_BYTES) {
      refuseForeign(file, label);
      throw new ModelFormatException(
          Reason.TRUNCATED,
          label,
          "",
          "the header is said to have "
              + length
              + " bytes, only "
              + (file.size() - LENGTH_BYTES)
              + " follow. The file is cut short; fetch it again.");
    }
    if (length > limits.maxHeaderBytes()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          label,
          "",
          "the header has "
              + length
              + " bytes, at most "
              + limits.maxHeaderBytes()
              + " are read (limit maxHeaderBytes). Raise the limit if the file can be trusted.");
    }
    return length;
  }

  /** Refuses a file of another known format, unless its header starts like a safetensors header. */
  private static void refuseForeign(MappedFile file, String label, JsonBytes header)
      throws IOException {
    byte[] some = new byte[Math.min(header.length(), SNIFF)];
    for (int i = 0; i < header.length(); i++) {
      if (i % SNIFF == 0) {
        header.get(i, some, Math.min(header.length() - i, SNIFF));
      }
      byte b = some[i % SNIFF];
      if (b == '{') {
        return;
      }
      if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
        break;
      }
    }
    refuseForeign(file, label);
  }

  private static void refuseForeign(MappedFile file, String label) throws IOException {
    Optional<String> other =
        ForeignFile.describe(file.slice(0, (int) Math.min(file.size(), SNIFF)));
    if (other.isPresent()) {
      throw new ModelFormatException(Reason.NOT_THIS_FORMAT, label, "", "this is " + other.get());
    }
  }

  /** {@return the file's name for messages} */
  public String label() {
    return label;
  }

  /** {@return the size in bytes of the whole file} */
  public long size() {
    return file.size();
  }

  /** {@return the tensors in the order of their data} */
  public List<StoredTensor> tensors() {
    return header.tensors();
  }

  /** {@return the texts of {@code __metadata__}} */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * {@return the tensor, or empty}
   *
   * @param name its name
   */
  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /**
   * Reads a part of a tensor.
   *
   * @param tensor a tensor of this file
   * @param offset the first byte within its data
   * @param length the number of bytes
   * @return a read-only little-endian view of the mapped file
   * @throws IOException if the file cannot be mapped
   */
  public ByteBuffer read(StoredTensor tensor, long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > tensor.bytes() - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of tensor " + tensor);
    }
    return file.slice(dataStart + tensor.begin() + offset, length);
  }

  /** {@return the number of bytes before the data of the tensors} */
  public long dataStart() {
    return dataStart;
  }

  /**
   * Reads a part of the file, which may be in the header.
   *
   * @param offset the first byte within the file
   * @param length the number of bytes
   * @return a read-only little-endian view of the mapped file
   * @throws IOException if the file cannot be mapped
   */
  public ByteBuffer raw(long offset, int length) throws IOException {
    return file.slice(offset, length);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
