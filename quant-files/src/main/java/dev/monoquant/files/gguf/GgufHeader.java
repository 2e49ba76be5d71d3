package dev.monoquant.files.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ForeignFile;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.input.ParseBudget;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What precedes the data of a GGUF file.
 *
 * @param metadata the metadata by key, in order
 * @param tensors the tensors, in order
 * @param alignment the alignment of tensors
 * @param dataStart the first byte of the data in the file
 * @param unusedBytes bytes behind the last tensor and its padding
 */
record GgufHeader(
    Map<String, GgufValue> metadata,
    List<GgufTensor> tensors,
    long alignment,
    long dataStart,
    long unusedBytes) {

  /** Copies the collections, keeping their order. */
  GgufHeader {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    tensors = List.copyOf(tensors);
  }

  /** Reads a header once, front to back. */
  static final class Parser {

    private static final int MAGIC = 0x46554747;
    private static final int SNIFF = 512;
    private static final int MIN_VERSION = 2;
    private static final int MAX_VERSION = 3;
    private static final int MAX_DIMENSIONS = 4;
    private static final String ALIGNMENT = "general.alignment";
    private static final long DEFAULT_ALIGNMENT = 32;
    private static final long MAX_ALIGNMENT = 1 << 20;

    /** Estimated bytes of an entry of a map and of the objects in it, without its texts. */
    private static final int ENTRY = 256;

    private final MappedFile file;
    private final String label;
    private final ReadLimits limits;
    private final ParseBudget budget;
    private long at;

    Parser(MappedFile file, String label, ReadLimits limits) {
      this.file = file;
      this.label = label;
      this.limits = limits;
      this.budget = new ParseBudget(label, limits.maxParsedBytes());
    }

    GgufHeader header() throws IOException {
      requireMagic();
      requireVersion();
      long tensors = u64("the number of tensors");
      long values = u64("the number of values");
      if (Long.compareUnsigned(tensors, limits.maxTensors()) > 0) {
        throw limit("tensors", tensors, limits.maxTensors(), "maxTensors");
      }
      Map<String, GgufValue> metadata = metadata(values);
      long alignment = alignment(metadata);
      List<GgufTensor> infos = new ArrayList<>();
      Set<String> names = new HashSet<>();
      long offset = 0;
      for (long i = 0; i < tensors; i++) {
        GgufTensor tensor = tensor(i);
        if (!names.add(tensor.name())) {
          throw fault(Reason.DUPLICATE_KEY, tensor.name(), "occurs twice.");
        }
        if (tensor.offset() != offset) {
          throw fault(
              Reason.OFFSETS,
              tensor.name(),
              "has the offset "
                  + Long.toUnsignedString(tensor.offset())
                  + "; the tensors before it end at "
                  + offset
                  + ".");
        }
        offset = padded(tensor.name(), offset, tensor.bytes(), alignment);
        infos.add(tensor);
      }
      long start = padded("", at, 0, alignment);
      return new GgufHeader(metadata, infos, alignment, start, unused(infos, start, offset));
    }

    private void requireMagic() throws IOException {
      ByteBuffer head = file.slice(0, (int) Math.min(file.size(), SNIFF));
      if (head.remaining() < Integer.BYTES || head.getInt(0) != MAGIC) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            label,
            "",
            ForeignFile.describe(head)
                .map(what -> "this is " + what)
                .orElse("it does not begin with GGUF. Give a GGUF file."));
      }
      at = Integer.BYTES;
    }

    private void requireVersion() throws IOException {
      int version = u32("the version");
      if (version >= MIN_VERSION && version <= MAX_VERSION) {
        return;
      }
      int swapped = Integer.reverseBytes(version);
      throw new ModelFormatException(
          Reason.VERSION,
          label,
          "",
          swapped >= 1 && swapped <= MAX_VERSION
              ? "it is a big-endian GGUF file, and little-endian ones are read. Convert it with"
                  + " gguf_convert_endian.py of gguf."
              : "it is of version "
                  + Integer.toUnsignedString(version)
                  + " of GGUF; 2 and 3 are read. Convert it again with a current llama.cpp.");
    }

    private Map<String, GgufValue> metadata(long count) throws IOException {
      Map<String, GgufValue> metadata = new LinkedHashMap<>();
      // An entry takes at least 13 bytes: a count of more fails at once.
      requireRoom(count, 13, "the number of values");
      for (long i = 0; i < count; i++) {
        String key = text("a key", limits.maxNameLength());
        requireName(key, Reason.METADATA, "value", i);
        budget.charge(ENTRY);
        if (metadata.put(key, value(key)) != null) {
          throw new ModelFormatException(
              Reason.DUPLICATE_KEY,
              label,
              "value " + quote(key),
              "occurs twice. The file is damaged or was altered; fetch it again.");
        }
      }
      return metadata;
    }

    private GgufValue value(String key) throws IOException {
      GgufValue.Type type = type("value " + quote(key));
      long start = at;
      String text =
          switch (type) {
            case STRING -> text("value " + quote(key), Long.MAX_VALUE);
            case ARRAY -> array(key);
            default -> scalar(key, type);
          };
      return new GgufValue(type, text, start, at - start);
    }

    private GgufValue.Type type(String where) throws IOException {
      int id = u32(where);
      return GgufValue.Type.of(id)
          .orElseThrow(
              () ->
                  new ModelFormatException(
                      Reason.METADATA,
                      label,
                      where,
                      "is of type "
                          + Integer.toUnsignedString(id)
                          + "; 0 to 12 are known. The file is damaged or newer than this"
                          + " program."));
    }

    private String array(String key) throws IOException {
      String where = "value " + quote(key);
      GgufValue.Type item = type(where);
      long count = u64(where);
      if (item == GgufValue.Type.ARRAY) {
        throw new ModelFormatException(
            Reason.METADATA,
            label,
            where,
            "is an array of arrays, which GGUF readers do not read. Write it without.");
      }
      if (item == GgufValue.Type.STRING) {
        requireRoom(count, Long.BYTES, where);
        for (long i = 0; i < count; i++) {
          skip(u64(where), where);
        }
      } else {
        requireRoom(count, item.bytes(), where);
        skip(count * item.bytes(), where);
      }
      return count + " of " + item.name().toLowerCase(Locale.ROOT);
    }

    private String scalar(String key, GgufValue.Type type) throws IOException {
      ByteBuffer bytes = take(type.bytes(), "value " + quote(key));
      return switch (type) {
        case UINT8 -> Integer.toString(Byte.toUnsignedInt(bytes.get()));
        case INT8 -> Integer.toString(bytes.get());
        case UINT16 -> Integer.toString(Short.toUnsignedInt(bytes.getShort()));
        case INT16 -> Integer.toString(bytes.getShort());
        case UINT32 -> Integer.toUnsignedString(bytes.getInt());
        case INT32 -> Integer.toString(bytes.getInt());
        case FLOAT32 -> Float.toString(bytes.getFloat());
        case UINT64 -> Long.toUnsignedString(bytes.getLong());
        case INT64 -> Long.toString(bytes.getLong());
        case FLOAT64 -> Double.toString(bytes.getDouble());
        case BOOL -> bool(key, bytes.get());
        default -> throw new IllegalArgumentException(type.name());
      };
    }

    private String bool(String key, byte value) {
      if (value != 0 && value != 1) {
        throw new ModelFormatException(
            Reason.METADATA,
            label,
            "value " + quote(key),
            "is the bool " + value + "; 0 and 1 are allowed. The file is damaged; fetch it again.");
      }
      return value == 1 ? "true" : "false";
    }

    private long alignment(Map<String, GgufValue> metadata) {
      GgufValue value = metadata.get(ALIGNMENT);
      if (value == null) {
        return DEFAULT_ALIGNMENT;
      }
      long alignment = value.type() == GgufValue.Type.UINT32 ? Long.parseLong(value.text()) : 0;
      if (alignment < 1 || alignment > MAX_ALIGNMENT || Long.bitCount(alignment) != 1) {
        throw new ModelFormatException(
            Reason.METADATA,
            label,
            "value " + quote(ALIGNMENT),
            "is "
                + value.text()
                + "; a power of two up to "
                + MAX_ALIGNMENT
                + " as u32 is allowed. The file is damaged or was altered; fetch it again.");
      }
      return alignment;
    }

    private GgufTensor tensor(long number) throws IOException {
      String name = text("the name of a tensor", limits.maxNameLength());
      requireName(name, Reason.ENTRY, "tensor", number);
      budget.charge(ENTRY);
      int rank = u32(where(name));
      if (rank < 1 || rank > MAX_DIMENSIONS) {
        throw fault(
            Reason.SHAPE,
            name,
            "has " + Integer.toUnsignedString(rank) + " dimensions; 1 to 4 are allowed.");
      }
      long[] dims = new long[rank];
      long elements = 1;
      for (int i = rank - 1; i >= 0; i--) {
        dims[i] = u64(where(name));
        if (dims[i] < 0 || Math.multiplyHigh(elements, dims[i]) != 0 || elements * dims[i] < 0) {
          throw fault(Reason.OVERFLOW, name, "has more numbers than 63 bits count.");
        }
        elements *= dims[i];
      }
      int id = u32(where(name));
      GgmlType type =
          GgmlType.of(id)
              .orElseThrow(
                  () ->
                      fault(
                          Reason.DTYPE,
                          name,
                          "is of type "
                              + Integer.toUnsignedString(id)
                              + ", which is unknown or no longer in use."));
      long offset = u64(where(name));
      if (dims[rank - 1] % type.numbers() != 0) {
        throw fault(
            Reason.SHAPE,
            name,
            "has rows of "
                + dims[rank - 1]
                + " numbers, which are no whole blocks of "
                + type.numbers()
                + " numbers of "
                + type
                + ".");
      }
      if (elements == 0 && type.plain().isEmpty()) {
        throw fault(Reason.SHAPE, name, "has no numbers, and a type with blocks.");
      }
      long blocks = elements / type.numbers();
      if (Math.multiplyHigh(blocks, type.bytes()) != 0 || blocks * type.bytes() < 0) {
        throw fault(Reason.OVERFLOW, name, "has more bytes than 63 bits count.");
      }
      return new GgufTensor(name, type, TensorShape.of(dims), offset, blocks * type.bytes());
    }

    /** The end of some bytes and their padding. */
    private long padded(String name, long offset, long bytes, long alignment) {
      long end = offset + bytes;
      if (end < 0 || end > Long.MAX_VALUE - alignment) {
        throw fault(Reason.OVERFLOW, name, "ends beyond 63 bits.");
      }
      return (end + alignment - 1) & -alignment;
    }

    /** The last tensor may lack its padding. */
    private long unused(List<GgufTensor> tensors, long start, long end) {
      if (tensors.isEmpty()) {
        return 0;
      }
      GgufTensor last = tensors.get(tensors.size() - 1);
      long needed = last.offset() + last.bytes();
      if (needed > file.size() - start) {
        throw new ModelFormatException(
            Reason.TRUNCATED,
            label,
            "",
            "the data of its tensors needs "
                + needed
                + " bytes from "
                + start
                + " on, and the file has "
                + file.size()
                + " bytes. Fetch it again.");
      }
      return Math.max(0, file.size() - start - end);
    }

    private String text(String where, long most) throws IOException {
      long length = u64(where);
      if (Long.compareUnsigned(length, most) > 0) {
        throw limit("bytes in " + where, length, most, "maxNameLength");
      }
      requireRoom(length, 1, where);
      budget.charge(2 * length);
      try {
        return StandardCharsets.UTF_8
            .newDecoder()
            .decode(take(Math.toIntExact(length), where))
            .toString();
      } catch (CharacterCodingException e) {
        throw new ModelFormatException(
            Reason.HEADER_ENCODING,
            label,
            where,
            "is not UTF-8. The file is damaged; fetch it again.",
            e);
      }
    }

    private int u32(String where) throws IOException {
      return take(Integer.BYTES, where).getInt();
    }

    private long u64(String where) throws IOException {
      return take(Long.BYTES, where).getLong();
    }

    private void skip(long bytes, String where) {
      requireRoom(bytes, 1, where);
      at += bytes;
    }

    private ByteBuffer take(int bytes, String where) throws IOException {
      requireRoom(bytes, 1, where);
      ByteBuffer taken = file.slice(at, bytes);
      at += bytes;
      return taken;
    }

    private void requireName(String name, Reason reason, String what, long number) {
      if (name.isEmpty()) {
        throw new ModelFormatException(
            reason,
            label,
            what + " " + number,
            "has an empty name. The file is damaged or was altered; fetch it again.");
      }
    }

    /** Checks that some items fit into the rest of the file. */
    private void requireRoom(long count, int bytes, String where) {
      if (count < 0 || count > (file.size() - at) / bytes) {
        throw new ModelFormatException(
            Reason.TRUNCATED,
            label,
            where,
            "needs "
                + Long.toUnsignedString(count)
                + (bytes == 1 ? " bytes" : " items of " + bytes + " bytes or more")
                + " at "
                + at
                + ", and the file has "
                + file.size()
                + " bytes. Fetch it again.");
      }
    }

    private static String where(String name) {
      return "tensor " + quote(name);
    }

    private ModelFormatException fault(Reason reason, String name, String detail) {
      return new ModelFormatException(
          reason,
          label,
          where(name),
          detail + " The file is damaged or newer than this program; fetch it again.");
    }

    private ModelFormatException limit(String what, long count, long most, String setting) {
      return new ModelFormatException(
          Reason.LIMIT,
          label,
          "",
          "it has "
              + Long.toUnsignedString(count)
              + " "
              + what
              + ", at most "
              + most
              + " are read (limit "
              + setting
              + "). Raise the limit if the file can be trusted.");
    }
  }
}
