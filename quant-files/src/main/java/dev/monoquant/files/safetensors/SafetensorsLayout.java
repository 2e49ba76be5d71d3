package dev.monoquant.files.safetensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.OutputException;
import dev.monoquant.ValidationException;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.output.FileLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The layout of a safetensors file to be written. Immutable.
 *
 * <pre>
 * bytes 0 to 7     N, the length of the header, little-endian
 * bytes 8 to 8+N   JSON in UTF-8 without white space, then spaces up to a multiple of 8:
 *                  {"__metadata__":{...},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}
 * then             the tensors' bytes, little-endian, row-major, without holes
 * </pre>
 *
 * <p>{@code __metadata__} comes first, its keys sorted, and is left out if empty. Tensors are
 * ordered as the reference does (safetensors 24b0b28, {@code prepare}): by type, 64-bit types
 * first, then by name in the order of UTF-8 bytes. Names, types, shapes and texts alone determine
 * the bytes.
 */
public final class SafetensorsLayout implements FileLayout {

  /** Types from last to first in the file; the enum of the reference has the reverse order. */
  private static final List<ElementType> TYPE_ORDER =
      List.of(
          ElementType.UINT64,
          ElementType.INT64,
          ElementType.FLOAT64,
          ElementType.COMPLEX64,
          ElementType.FLOAT32,
          ElementType.UINT32,
          ElementType.INT32,
          ElementType.BFLOAT16,
          ElementType.FLOAT16,
          ElementType.UINT16,
          ElementType.INT16,
          ElementType.FLOAT8_E5M2FNUZ,
          ElementType.FLOAT8_E4M3FNUZ,
          ElementType.FLOAT8_E8M0,
          ElementType.FLOAT8_E4M3,
          ElementType.FLOAT8_E5M2,
          ElementType.INT8,
          ElementType.UINT8,
          ElementType.FLOAT6_E3M2,
          ElementType.FLOAT6_E2M3,
          ElementType.FLOAT4,
          ElementType.BOOL);

  private static final int LENGTH_BYTES = 8;
  private static final long MAX_HEADER = 100_000_000;

  /** Characters of a long text that are written at once. */
  private static final int PIECE = 1 << 16;

  private final List<StoredTensor> tensors;
  private final Map<String, StoredTensor> byName = new HashMap<>();
  private final Map<String, String> metadata;
  private final byte[] header;
  private final long dataBytes;

  /**
   * Makes the layout of some tensors.
   *
   * @param contents the tensors, in any order; their shards are ignored
   * @param metadata the texts of {@code __metadata__}
   * @throws OutputException if two tensors have one name, a name is reserved, the format does not
   *     support a type, or the header is too long
   */
  public SafetensorsLayout(List<TensorInfo> contents, Map<String, String> metadata) {
    List<TensorInfo> sorted = new ArrayList<>(contents);
    refuse(sorted);
    sorted.sort(
        Comparator.comparing((TensorInfo t) -> TYPE_ORDER.indexOf(t.type()))
            .thenComparing(TensorInfo::name, JsonText.BY_CODE_POINT));
    List<StoredTensor> placed = new ArrayList<>();
    long offset = 0;
    for (TensorInfo tensor : sorted) {
      long end = Math.addExact(offset, tensor.bytes());
      placed.add(new StoredTensor(tensor.name(), tensor.type(), tensor.shape(), offset, end));
      offset = end;
    }
    this.tensors = List.copyOf(placed);
    placed.forEach(t -> byName.put(t.name(), t));
    TreeMap<String, String> texts = new TreeMap<>(JsonText.BY_CODE_POINT);
    texts.putAll(metadata);
    this.metadata = texts;
    this.dataBytes = offset;
    this.header = encode();
  }

  private static void refuse(List<TensorInfo> contents) {
    Set<String> names = new HashSet<>();
    for (TensorInfo tensor : contents) {
      String where = "tensor " + quote(tensor.name());
      if (!names.add(tensor.name())) {
        throw new OutputException(
            where
                + ": two tensors of the output would have this name. Exclude the layer or choose"
                + " another format.");
      }
      if (tensor.name().equals(SafetensorsHeader.METADATA)) {
        throw new OutputException(where + ": safetensors reserves this name. Rename the tensor.");
      }
      if (!tensor.type().isSafetensors()
          || Math.multiplyExact(tensor.shape().elements(), (long) tensor.type().bits()) % 8 != 0) {
        throw new OutputException(
            where
                + ": safetensors cannot hold "
                + tensor.shape()
                + " elements of "
                + tensor.type().wire()
                + ". Choose another format.");
      }
    }
  }

  /** Counts first: a header that grows takes several times its memory. */
  private byte[] encode() {
    Header count = new Header(new byte[0]);
    write(count);
    Header out = new Header(new byte[count.paddedLength()]);
    write(out);
    return out.padded();
  }

  private void write(Header out) {
    StringBuilder some = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      some.append("\"__metadata__\":{");
      metadata.forEach(
          (key, value) -> {
            JsonText.quoted(some, key, false);
            some.append(':');
            out.take(some);
            quoted(out, some, value);
            some.append(',');
            out.take(some);
          });
      out.length--;
      some.append("},");
    }
    for (StoredTensor tensor : tensors) {
      JsonText.quoted(some, tensor.name(), false);
      some.append(":{\"dtype\":\"").append(tensor.type().wire()).append("\",\"shape\":[");
      long[] dims = tensor.shape().dims();
      for (int i = 0; i < dims.length; i++) {
        some.append(i == 0 ? "" : ",").append(dims[i]);
      }
      some.append("],\"data_offsets\":[")
          .append(tensor.begin())
          .append(',')
          .append(tensor.end())
          .append("]},");
      out.take(some);
    }
    out.take(some);
    if (out.length > LENGTH_BYTES + 1) {
      out.length--;
    }
    some.append('}');
    out.take(some);
  }

  /** Writes a text in pieces, since that of a manifest may have as many bytes as the header. */
  private static void quoted(Header out, StringBuilder some, String text) {
    some.append('"');
    for (int at = 0; at < text.length(); ) {
      int end = Math.min(text.length(), at + PIECE);
      if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
        end++;
      }
      int start = some.length();
      JsonText.quoted(some, text.substring(at, end), false);
      some.deleteCharAt(start);
      some.setLength(some.length() - 1);
      out.take(some);
      at = end;
    }
    some.append('"');
  }

  /** The header as it is written into an array, or only counted if the array is empty. */
  private static final class Header {

    private final byte[] bytes;
    private int length = LENGTH_BYTES;

    Header(byte[] bytes) {
      this.bytes = bytes;
    }

    /** Appends a text and empties it. */
    void take(StringBuilder text) {
      byte[] more = text.toString().getBytes(StandardCharsets.UTF_8);
      text.setLength(0);
      requireAllowed((long) length + more.length - LENGTH_BYTES);
      if (bytes.length > 0) {
        System.arraycopy(more, 0, bytes, length, more.length);
      }
      length += more.length;
    }

    int paddedLength() {
      long padded = (length - LENGTH_BYTES + 7L) / 8 * 8;
      requireAllowed(padded);
      return (int) (LENGTH_BYTES + padded);
    }

    byte[] padded() {
      Arrays.fill(bytes, length, bytes.length, (byte) ' ');
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes.length - LENGTH_BYTES);
      return bytes;
    }

    private static void requireAllowed(long length) {
      if (length > MAX_HEADER) {
        throw new OutputException(
            "the header would have "
                + length
                + " bytes or more, safetensors allows "
                + MAX_HEADER
                + ". Write a sharded model directory instead.");
      }
    }
  }

  /** {@return the tensors in the order of the file} */
  public List<StoredTensor> tensors() {
    return tensors;
  }

  /**
   * {@return the tensor}
   *
   * @param name the name of one of the tensors
   */
  public StoredTensor tensor(String name) {
    StoredTensor tensor = byName.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no tensor " + quote(name) + " was announced");
    }
    return tensor;
  }

  /** {@return the texts, sorted} */
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public byte[] headerBytes() {
    return header;
  }

  /** {@return the SHA-256 of the bytes before the data, which the layout determines} */
  public String headerHash() {
    return Sha256.of(header);
  }

  /** {@return the size in bytes of all tensors} */
  public long dataBytes() {
    return dataBytes;
  }

  @Override
  public long fileBytes() {
    return header.length + dataBytes;
  }

  @Override
  public List<Region> regions() {
    return tensors.stream()
        .map(t -> new Region(t.name(), header.length + t.begin(), t.bytes()))
        .toList();
  }

  @Override
  public void check(Path path) throws IOException {
    ReadLimits all =
        new ReadLimits(
                Long.MAX_VALUE,
                Long.MAX_VALUE,
                Integer.MAX_VALUE,
                Integer.MAX_VALUE,
                Integer.MAX_VALUE,
                ReadLimits.DEFAULT.maxDepth(),
                Integer.MAX_VALUE)
            .withMaxParsedBytes(Long.MAX_VALUE);
    try (SafetensorsFile read = SafetensorsFile.open(path, path.toString(), all)) {
      // An empty tensor has the same offset as a neighbour, so the reader's order of these may
      // differ.
      boolean same =
          read.tensors().size() == tensors.size()
              && tensors.stream().allMatch(t -> t.equals(read.find(t.name()).orElse(null)))
              && new TreeMap<>(read.metadata()).equals(new TreeMap<>(metadata));
      if (!same) {
        throw new ValidationException(
            path + ": the header read back is not the header that was written.");
      }
    }
  }
}
