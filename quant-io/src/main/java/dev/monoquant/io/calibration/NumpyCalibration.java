package dev.monoquant.io.calibration;

import static dev.monoquant.QuantException.quote;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.zip.Archive;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Statistics of the inputs of layers in a file of {@code numpy.savez}: the arrays of {@link
 * SafetensorsCalibration}, each an entry {@code NAME.x2.npy} of a zip archive.
 *
 * <pre>
 *   93 4E 55 4D 50 59     magic number
 *   1 or 2 or 3, 0        version
 *   uint16 or uint32      length of the header; 32 bits from version 2 on
 *   text                  {'descr': '&lt;f4', 'fortran_order': False, 'shape': (384,), }
 *   numbers               little-endian, by rows
 * </pre>
 *
 * <p>Types are {@code <f2}, {@code <f4}, {@code <f8} and {@code <i8}. Arrays of {@code savez} are
 * read in place; those of {@code savez_compressed} are inflated whole, within the limit
 * maxInflatedBytes. Only names with a known kind of statistic are looked at. Stateless and
 * thread-safe.
 */
@AutoService(CalibrationReader.class)
public final class NumpyCalibration implements CalibrationReader {

  private static final String SUFFIX = ".npy";
  private static final int FIXED = 8;
  private static final int MAX_HEADER = 1 << 16;

  /** Made by the service loader. */
  public NumpyCalibration() {}

  @Override
  public String id() {
    return "calibration-npz";
  }

  @Override
  public Match probe(Path file) {
    Match named = file.toString().endsWith(".npz") ? Match.POSSIBLE : Match.NONE;
    try (Archive open = Archive.open(file, file.toString(), ReadLimits.DEFAULT)) {
      boolean any = open.entries().stream().anyMatch(e -> isStatistic(e.name()));
      return any ? Match.LIKELY : named;
    } catch (IOException | ModelFormatException unreadable) {
      return named;
    }
  }

  private static boolean isStatistic(String entry) {
    return entry.endsWith(SUFFIX) && NamedStatistics.isStatistic(array(entry));
  }

  private static String array(String entry) {
    return entry.substring(0, entry.length() - SUFFIX.length());
  }

  @Override
  public Calibration open(Path file, ReadLimits limits) throws IOException {
    Archive open = Archive.open(file, file.toString(), limits);
    try {
      Map<String, NamedStatistics.Numbers> numbers = new LinkedHashMap<>();
      for (ArchiveEntry entry : open.entries()) {
        if (isStatistic(entry.name())) {
          numbers.put(array(entry.name()), Stored.of(open, entry, limits));
        }
      }
      return new NamedStatistics(file, numbers, open);
    } catch (IOException | RuntimeException e) {
      open.close();
      throw e;
    }
  }

  /** The content of a compressed entry, while there is memory for it. */
  private static final class Inflated {

    private SoftReference<ByteBuffer> content = new SoftReference<>(ByteBuffer.allocate(0));

    synchronized ByteBuffer of(Archive archive, ArchiveEntry entry, ReadLimits limits)
        throws IOException {
      ByteBuffer all = content.get();
      if (all == null || all.limit() == 0) {
        all = archive.content(entry, limits.maxInflatedBytes(), "maxInflatedBytes");
        content = new SoftReference<>(all);
      }
      return all;
    }
  }

  /** An array in an archive. */
  private record Stored(
      Archive archive,
      ArchiveEntry entry,
      ReadLimits limits,
      ElementType type,
      TensorShape shape,
      int start,
      Inflated inflated)
      implements NamedStatistics.Numbers {

    static Stored of(Archive archive, ArchiveEntry entry, ReadLimits limits) throws IOException {
      int some = (int) Math.min(entry.size(), MAX_HEADER);
      ByteBuffer head =
          entry.deflated()
              ? archive.content(entry, limits.maxInflatedBytes(), "maxInflatedBytes")
              : archive.slice(entry, 0, some);
      String fault = "it is no array of numpy";
      if (head.remaining() >= FIXED + Integer.BYTES && isNumpy(head)) {
        boolean wide = head.get(6) > 1;
        int length = wide ? head.getInt(FIXED) : Short.toUnsignedInt(head.getShort(FIXED));
        int from = FIXED + (wide ? Integer.BYTES : Short.BYTES);
        if (length > 0 && length <= head.limit() - from) {
          byte[] bytes = new byte[length];
          head.position(from).get(bytes);
          return of(
              archive,
              entry,
              limits,
              new String(bytes, StandardCharsets.ISO_8859_1),
              from + length);
        }
        fault = "its header has " + length + " bytes";
      }
      throw fault(archive, entry, fault);
    }

    private static boolean isNumpy(ByteBuffer head) {
      return (head.get(0) & 0xff) == 0x93
          && head.get(1) == 'N'
          && head.get(2) == 'U'
          && head.get(3) == 'M'
          && head.get(4) == 'P'
          && head.get(5) == 'Y';
    }

    private static Stored of(
        Archive archive, ArchiveEntry entry, ReadLimits limits, String header, int start) {
      ElementType type =
          switch (between(header, "'descr': '", "'")) {
            case "<f2" -> ElementType.FLOAT16;
            case "<f4" -> ElementType.FLOAT32;
            case "<f8" -> ElementType.FLOAT64;
            case "<i8" -> ElementType.INT64;
            default ->
                throw fault(
                    archive, entry, "its type is not <f2, <f4, <f8 or <i8: " + quote(header));
          };
      if (!between(header, "'fortran_order': ", ",").equals("False")) {
        throw fault(archive, entry, "it is stored by columns; save numpy.ascontiguousarray of it");
      }
      String[] dims = between(header, "'shape': (", ")").split(",", -1);
      long[] shape = new long[dims.length];
      int rank = 0;
      try {
        for (String dim : dims) {
          if (!dim.isBlank()) {
            shape[rank++] = Long.parseLong(dim.strip());
          }
        }
        TensorShape of = TensorShape.of(Arrays.copyOf(shape, rank));
        if (Math.multiplyExact(of.elements(), (long) type.cellBytes()) != entry.size() - start) {
          throw fault(
              archive, entry, "its numbers are not " + (entry.size() - start) + " bytes: " + of);
        }
        return new Stored(archive, entry, limits, type, of, start, new Inflated());
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw fault(archive, entry, "its shape is not understood: " + quote(header));
      }
    }

    private static String between(String text, String before, String after) {
      int from = text.indexOf(before);
      int end = from < 0 ? -1 : text.indexOf(after, from + before.length());
      return end < 0 ? "" : text.substring(from + before.length(), end);
    }

    private static ModelFormatException fault(Archive archive, ArchiveEntry entry, String what) {
      return new ModelFormatException(
          Reason.ENTRY,
          archive.label(),
          "array " + quote(array(entry.name())),
          what + ". Write it with numpy.savez");
    }

    @Override
    public ByteBuffer read(long offset, int length) throws IOException {
      if (!entry.deflated()) {
        return archive.slice(entry, start + offset, length);
      }
      ByteBuffer all = inflated.of(archive, entry, limits);
      return all.slice(Math.toIntExact(start + offset), length).order(all.order());
    }
  }
}
