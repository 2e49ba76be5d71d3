package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Reads the arrays of a file of {@code numpy.savez} or {@code savez_compressed}: a zip of {@code
 * NAME.npy}, each a header in ASCII and the numbers, little-endian, by rows or by columns. Follows
 * the format's description in {@code numpy/lib/format.py}, versions 1 to 3.
 *
 * <p>Only types that the engine supports are read: it would end the process on others. A text
 * becomes an array of INT32, its code points, on an axis at the end. What this does not do: it
 * reads no objects, no big-endian and no structured arrays.
 */
public final class NumpyArchive {

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int MAX_HEADER = 1 << 16;

  /** The type of texts, with their length after it: code points of 4 bytes, filled with zeros. */
  private static final String TEXT = "<U";

  private static final Pattern TYPE = Pattern.compile("'descr': *'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order': *(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape': *\\(([0-9, ]*)\\)");

  /** The most numbers of all arrays together; a compressed file may be a thousand times smaller. */
  private static final long MAX_NUMBERS = 1 << 30;

  private static final int MAX_ARRAYS = 10_000;

  private final Path file;
  private long total;

  private NumpyArchive(Path file) {
    this.file = file;
  }

  /**
   * Reads all arrays.
   *
   * @param file a file
   * @param manager owns the arrays
   * @return the arrays by name, in the order of the file
   * @throws ConfigurationException if there is no array, or one cannot be read
   */
  public static Map<String, NDArray> read(Path file, NDManager manager) {
    NumpyArchive archive = new NumpyArchive(file);
    if (!Files.isReadable(file)) {
      throw archive.fault("there is no such file that can be read. Example: --sample inputs.npz");
    }
    Map<String, NDArray> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      if (zip.size() > MAX_ARRAYS) {
        throw archive.fault(
            "it has " + zip.size() + " arrays, and at most " + MAX_ARRAYS + " are read");
      }
      for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements(); ) {
        ZipEntry entry = all.nextElement();
        String name = entry.getName().replaceFirst("\\.npy$", "");
        try (InputStream in = zip.getInputStream(entry)) {
          NDArray array = archive.array(name, entry, new DataInputStream(in), manager);
          array.setName(name);
          arrays.put(name, array);
        } catch (EOFException e) {
          throw archive.fault(name, "it ends too early");
        }
      }
    } catch (IOException e) {
      throw new ConfigurationException(
          archive.message("it could not be read as .npz: " + e.getMessage() + ". Use numpy.savez"),
          e);
    }
    return arrays;
  }

  private NDArray array(String name, ZipEntry entry, DataInputStream in, NDManager manager)
      throws IOException {
    byte[] start = new byte[MAGIC.length + 2];
    in.readFully(start);
    if (!Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw fault(name, "it is no array of numpy");
    }
    boolean old = start[MAGIC.length] == 1;
    int length =
        old
            ? Short.toUnsignedInt(Short.reverseBytes(in.readShort()))
            : Integer.reverseBytes(in.readInt());
    if (length < 0 || length > MAX_HEADER) {
      throw fault(
          name, "its header has " + length + " bytes, and at most " + MAX_HEADER + " are read");
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    String header = new String(bytes, StandardCharsets.ISO_8859_1);
    String descr = find(TYPE, name, header);
    boolean texts = descr.startsWith(TEXT);
    DataType type = texts ? DataType.INT32 : type(name, descr);
    String shape = find(SHAPE, name, header);
    long[] dims = dims(name, texts ? shape + "," + descr.substring(TEXT.length()) : shape);
    boolean byColumns = find(ORDER, name, header).equals("True");
    long size = type.getNumOfBytes();
    try {
      for (long dim : dims) {
        size = Math.multiplyExact(size, dim);
      }
    } catch (ArithmeticException e) {
      size = Long.MAX_VALUE;
    }
    long rest = entry.getSize() - start.length - (old ? Short.BYTES : Integer.BYTES) - length;
    if (size != rest || size > Integer.MAX_VALUE - 8) {
      throw fault(name, "it has " + rest + " bytes of numbers, and its header tells of " + size);
    }
    total += size;
    if (total > MAX_NUMBERS) {
      throw fault(
          name,
          "with it the arrays have "
              + total
              + " bytes of numbers, and at most "
              + MAX_NUMBERS
              + " are read. Give several files: --sample may be repeated");
    }
    if (size == 0) {
      return manager.create(new Shape(dims), type);
    }
    ByteBuffer data = ByteBuffer.allocateDirect((int) size).order(ByteOrder.LITTLE_ENDIAN);
    byte[] some = new byte[(int) Math.min(size, 1 << 16)];
    while (data.hasRemaining()) {
      int count = Math.min(some.length, data.remaining());
      in.readFully(some, 0, count);
      data.put(some, 0, count);
    }
    data.flip();
    return byColumns
        ? manager.create(data, new Shape(reversed(dims)), type).transpose()
        : manager.create(data, new Shape(dims), type);
  }

  private String find(Pattern pattern, String name, String header) {
    Matcher found = pattern.matcher(header);
    if (!found.find()) {
      throw fault(name, "its header is not understood: " + QuantException.quote(header.strip()));
    }
    return found.group(1);
  }

  private long[] dims(String name, String text) {
    try {
      return Arrays.stream(text.split(",", -1))
          .map(String::strip)
          .filter(dim -> !dim.isEmpty())
          .mapToLong(dim -> dim.length() > 18 ? Long.MAX_VALUE : Long.parseLong(dim))
          .toArray();
    } catch (NumberFormatException e) {
      throw fault(name, "its sizes are no numbers: " + QuantException.quote(text));
    }
  }

  private static long[] reversed(long[] dims) {
    long[] out = new long[dims.length];
    for (int i = 0; i < dims.length; i++) {
      out[i] = dims[dims.length - 1 - i];
    }
    return out;
  }

  private DataType type(String name, String descr) {
    return switch (descr) {
      case "<f2" -> DataType.FLOAT16;
      case "<f4" -> DataType.FLOAT32;
      case "<f8" -> DataType.FLOAT64;
      case "|i1" -> DataType.INT8;
      case "|u1" -> DataType.UINT8;
      case "<i4" -> DataType.INT32;
      case "<i8" -> DataType.INT64;
      case "|b1" -> DataType.BOOLEAN;
      default ->
          throw fault(
              name,
              "its type is "
                  + QuantException.quote(descr)
                  + ", and inputs are <f2, <f4, <f8, |i1, |u1, <i4, <i8 or |b1. Convert it with"
                  + " astype to what the model takes");
    };
  }

  private ConfigurationException fault(String name, String what) {
    return fault("array " + QuantException.quote(name) + ": " + what);
  }

  private ConfigurationException fault(String what) {
    return new ConfigurationException(message(what));
  }

  private String message(String what) {
    return "sample " + QuantException.quote(file.toString()) + ": " + what;
  }
}
