package dev.monoquant.files.safetensors;

import static dev.monoquant.QuantException.quote;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.monoquant.OutputException;
import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.ValidationException;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.output.FileLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;

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

  private final List<StoredTensor> tensors;

  /** The index of the first tensor of each type that occurs; then the number of tensors. */
  private final int[] starts;

  /** Whether no name has surrogates or units above them; both orders of names are then one. */
  private final boolean plain;

  private final SortedMap<String, TextPieces> metadata;
  private final int headerLength;
  private final long dataBytes;

  /**
   * Makes the layout of some tensors.
   *
   * @param contents the tensors, in any order; their shards are ignored
   * @param metadata the texts of {@code __metadata__}
   * @throws PlanException if two tensors have one name, a name is reserved, or the format does not
   *     support a type
   * @throws OutputException if the header is too long
   */
  public SafetensorsLayout(List<TensorInfo> contents, Map<String, String> metadata) {
    this(placed(contents), pieces(metadata));
  }

  /** Counts the header; it is made anew each time it is needed, as it may have 100 MB. */
  private SafetensorsLayout(List<StoredTensor> tensors, SortedMap<String, TextPieces> metadata) {
    this.tensors = tensors;
    this.starts =
        IntStream.rangeClosed(0, tensors.size())
            .filter(
                i ->
                    i == 0
                        || i == tensors.size()
                        || tensors.get(i).type() != tensors.get(i - 1).type())
            .toArray();
    this.dataBytes = tensors.isEmpty() ? 0 : tensors.get(tensors.size() - 1).end();
    this.plain = tensors.stream().allMatch(tensor -> isPlain(tensor.name()));
    this.metadata = metadata;
    Header count = new Header(counted -> {});
    write(count);
    this.headerLength = count.paddedLength();
  }

  private SafetensorsLayout(SafetensorsLayout same, SortedMap<String, TextPieces> metadata) {
    this.tensors = same.tensors;
    this.starts = same.starts;
    this.plain = same.plain;
    this.dataBytes = same.dataBytes;
    this.headerLength = same.headerLength;
    this.metadata = metadata;
  }

  /**
   * Makes the layout of some tensors with long texts.
   *
   * @param contents the tensors, in any order; their shards are ignored
   * @param metadata the texts of {@code __metadata__}
   * @return the layout
   * @throws PlanException as the constructor
   * @throws OutputException as the constructor
   */
  public static SafetensorsLayout of(List<TensorInfo> contents, Map<String, TextPieces> metadata) {
    return new SafetensorsLayout(placed(contents), sorted(metadata));
  }

  /**
   * {@return the same layout with other texts}
   *
   * @param metadata texts with which the header has the same length, such as other hashes; if it
   *     has not, {@link #header} fails
   */
  public SafetensorsLayout withTexts(Map<String, TextPieces> metadata) {
    return new SafetensorsLayout(this, sorted(metadata));
  }

  private static SortedMap<String, TextPieces> pieces(Map<String, String> texts) {
    Map<String, TextPieces> all = new HashMap<>();
    texts.forEach((key, text) -> all.put(key, TextPieces.of(text)));
    return sorted(all);
  }

  private static SortedMap<String, TextPieces> sorted(Map<String, TextPieces> texts) {
    SortedMap<String, TextPieces> all = new TreeMap<>(JsonText.BY_CODE_POINT);
    all.putAll(texts);
    return all;
  }

  private static List<StoredTensor> placed(List<TensorInfo> contents) {
    List<TensorInfo> sorted = new ArrayList<>(contents);
    refuse(sorted);
    sorted.sort(
        Comparator.comparingInt((TensorInfo t) -> TYPE_ORDER.indexOf(t.type()))
            .thenComparing(TensorInfo::name, JsonText.BY_CODE_POINT));
    List<StoredTensor> placed = new ArrayList<>(sorted.size());
    // Most tensors of a model have one of a few shapes.
    Map<TensorShape, TensorShape> shapes = new HashMap<>();
    long offset = 0;
    for (TensorInfo tensor : sorted) {
      long end = Math.addExact(offset, tensor.bytes());
      TensorShape shape = shapes.computeIfAbsent(tensor.shape(), same -> same);
      placed.add(new StoredTensor(tensor.name(), tensor.type(), shape, offset, end));
      offset = end;
    }
    return List.copyOf(placed);
  }

  private static void refuse(List<TensorInfo> contents) {
    List<Problem> problems = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (TensorInfo tensor : contents) {
      if (!names.add(tensor.name())) {
        problems.add(
            problem(
                tensor,
                "two tensors of the output would have this name",
                "Exclude the layer or choose another format."));
      }
      if (tensor.name().equals(SafetensorsHeader.METADATA)) {
        problems.add(problem(tensor, "safetensors reserves this name", "Rename the tensor."));
      }
      if (!tensor.type().isSafetensors()
          || Math.multiplyExact(tensor.shape().elements(), (long) tensor.type().bits()) % 8 != 0) {
        problems.add(
            problem(
                tensor,
                "safetensors cannot hold "
                    + tensor.shape()
                    + " elements of "
                    + tensor.type().wire(),
                "Choose another format."));
      }
    }
    if (!problems.isEmpty()) {
      throw new PlanException(problems);
    }
  }

  private static Problem problem(TensorInfo tensor, String message, String remedy) {
    return Problem.error("tensor " + quote(tensor.name()), message, remedy);
  }

  private static boolean isPlain(String name) {
    for (int i = 0; i < name.length(); i++) {
      if (name.charAt(i) >= Character.MIN_SURROGATE) {
        return false;
      }
    }
    return true;
  }

  private void write(Header out) {
    StringBuilder some = new StringBuilder("{");
    boolean first = true;
    for (Map.Entry<String, TextPieces> text : metadata.entrySet()) {
      some.append(first ? "\"__metadata__\":{" : ",");
      JsonText.quoted(some, text.getKey(), false);
      some.append(":\"");
      text.getValue()
          .forEach(
              piece -> {
                JsonText.escaped(some, piece, false);
                out.take(some);
              });
      some.append('"');
      first = false;
    }
    boolean any = !metadata.isEmpty();
    some.append(any ? "}" : "");
    for (StoredTensor tensor : tensors) {
      some.append(any ? "," : "");
      any = true;
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
          .append("]}");
      if (some.length() > TextPieces.LONG) {
        out.take(some);
      }
    }
    some.append('}');
    out.take(some);
  }

  /** The header as it is passed on, or only counted. */
  private static final class Header {

    private final Consumer<byte[]> out;
    private int length = LENGTH_BYTES;

    Header(Consumer<byte[]> out) {
      this.out = out;
    }

    /** Takes a text and empties it. */
    void take(StringBuilder text) {
      byte[] more = text.toString().getBytes(StandardCharsets.UTF_8);
      text.setLength(0);
      requireAllowed((long) length + more.length - LENGTH_BYTES);
      length += more.length;
      out.accept(more);
    }

    int length() {
      return length;
    }

    int paddedLength() {
      long padded = (length - LENGTH_BYTES + 7L) / 8 * 8;
      requireAllowed(padded);
      return (int) (LENGTH_BYTES + padded);
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
    return find(name)
        .orElseThrow(
            () -> new IllegalArgumentException("no tensor " + quote(name) + " was announced"));
  }

  /**
   * {@return the tensor, or empty}
   *
   * <p>Searches the tensors of each type, which are sorted by name: a map of 300,000 names would
   * take 15 MB.
   *
   * @param name its name
   */
  public Optional<StoredTensor> find(String name) {
    Comparator<String> names = plain ? Comparator.naturalOrder() : JsonText.BY_CODE_POINT;
    for (int i = 0; i + 1 < starts.length; i++) {
      int low = starts[i];
      int high = starts[i + 1] - 1;
      while (low <= high) {
        int middle = (low + high) >>> 1;
        StoredTensor tensor = tensors.get(middle);
        int order = names.compare(tensor.name(), name);
        if (order == 0) {
          return Optional.of(tensor);
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle - 1;
      }
    }
    return Optional.empty();
  }

  @Override
  public byte[] headerBytes() {
    ByteBuffer all = ByteBuffer.allocate(headerLength);
    pass(all::put);
    return all.array();
  }

  @Override
  public long headerLength() {
    return headerLength;
  }

  @Override
  public void header(Pieces out) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.take(start.putLong(0, headerLength - LENGTH_BYTES));
    Header text =
        new Header(
            more -> {
              try {
                out.take(ByteBuffer.wrap(more));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    try {
      write(text);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    if (text.paddedLength() != headerLength) {
      throw new IllegalStateException(
          "the header has " + text.paddedLength() + " bytes, announced were " + headerLength);
    }
    out.take(ByteBuffer.wrap(" ".repeat(headerLength - text.length()).getBytes(US_ASCII)));
  }

  /** Passes on the header to memory. */
  private void pass(Pieces out) {
    try {
      header(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return the SHA-256 of the bytes before the data, which the layout determines} */
  public String headerHash() {
    Sha256 hash = new Sha256();
    pass(hash::add);
    return hash.hex();
  }

  /** {@return the size in bytes of all tensors} */
  public long dataBytes() {
    return dataBytes;
  }

  @Override
  public long fileBytes() {
    return headerLength + dataBytes;
  }

  @Override
  public List<Region> regions() {
    return tensors.stream()
        .map(t -> new Region(t.name(), headerLength + t.begin(), t.bytes()))
        .toList();
  }

  @Override
  public void check(Path path) throws IOException {
    try (MappedFile file = MappedFile.open(path)) {
      boolean[] same = {file.size() == fileBytes()};
      long[] at = {0};
      header(
          piece -> {
            if (same[0]) {
              byte[] found = new byte[piece.remaining()];
              file.read(at[0], found, found.length);
              at[0] += found.length;
              same[0] = ByteBuffer.wrap(found).equals(piece);
            }
          });
      if (!same[0]) {
        throw new ValidationException(
            path + ": the header read back is not the header that was written.");
      }
    }
  }
}
