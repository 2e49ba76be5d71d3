package dev.monoquant.files.torch;

import dev.monoquant.files.input.ForeignFile;
import dev.monoquant.spi.InputFormatDetector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Detects the probable kind of a file from its two ends: a zip archive names its entries at the
 * end, and a truncated archive has its first entries at the start. Opening the file decides.
 */
public final class TorchProbe {

  private static final int LOCAL_SIGNATURE = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_SIGNATURE = 0x02014b50;
  private static final int CENTRAL_BYTES = 46;

  /** The probable kind of a file. */
  public enum Look {
    /** Not a PyTorch file, and unknown. */
    NOTHING,
    /** Not a PyTorch file, but of a known kind. */
    FOREIGN,
    /** A zip archive of PyTorch that holds no code. */
    CHECKPOINT,
    /** A zip archive of PyTorch that holds code. */
    SCRIPT,
    /** An archive of {@code torch.export}. */
    EXPORTED
  }

  private TorchProbe() {}

  /**
   * The two ends of a file; both hold the same bytes if it is short.
   *
   * @param head the first bytes
   * @param tail the last bytes
   */
  public record Ends(ByteBuffer head, ByteBuffer tail) {

    /**
     * Reads both ends.
     *
     * @param path a regular file
     * @return both ends, little-endian
     * @throws IOException if it cannot be read
     */
    public static Ends read(Path path) throws IOException {
      try (SeekableByteChannel channel = Files.newByteChannel(path)) {
        ByteBuffer head = fill(channel);
        channel.position(Math.max(0, channel.size() - InputFormatDetector.LOOK_AHEAD));
        return new Ends(head, fill(channel));
      }
    }

    private static ByteBuffer fill(SeekableByteChannel channel) throws IOException {
      ByteBuffer bytes =
          ByteBuffer.allocate(InputFormatDetector.LOOK_AHEAD).order(ByteOrder.LITTLE_ENDIAN);
      while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
        // Reads until the buffer is full or the file ends.
      }
      return bytes.flip();
    }
  }

  /**
   * Detects the probable kind of a file.
   *
   * @param ends both ends of the file
   * @return its probable kind
   */
  public static Look look(Ends ends) {
    ByteBuffer head = ends.head();
    if (head.remaining() < 4 || head.getInt(0) != LOCAL_SIGNATURE) {
      return ForeignFile.describe(head).isPresent() ? Look.FOREIGN : Look.NOTHING;
    }
    List<String> names = new ArrayList<>();
    boolean scriptPickle = firstEntry(head, names);
    centralNames(ends.tail(), names);
    if (scriptPickle || names.stream().anyMatch(TorchProbe::isScript)) {
      return Look.SCRIPT;
    }
    if (names.stream().anyMatch(TorchProbe::isExported)) {
      return Look.EXPORTED;
    }
    // An archive truncated after its first storage: torch.save begins with the pickle.
    boolean unknown = names.isEmpty() || names.stream().allMatch(n -> n.matches("[^/]+/data/\\d+"));
    if (unknown) {
      return names.isEmpty() ? Look.FOREIGN : Look.SCRIPT;
    }
    return ForeignFile.describeZip(names).isPresent() ? Look.FOREIGN : Look.CHECKPOINT;
  }

  private static boolean isScript(String name) {
    return name.matches("[^/]+/(constants\\.pkl|code/.*)");
  }

  private static boolean isExported(String name) {
    return name.matches("[^/]+/(archive_format|data/weights/weight_\\d+)");
  }

  /** Whether the archive begins with a pickle of a TorchScript object. */
  private static boolean firstEntry(ByteBuffer head, List<String> names) {
    if (head.remaining() < LOCAL_BYTES) {
      return false;
    }
    int nameBytes = Short.toUnsignedInt(head.getShort(26));
    int data = LOCAL_BYTES + nameBytes + Short.toUnsignedInt(head.getShort(28));
    if (head.remaining() < LOCAL_BYTES + nameBytes) {
      return false;
    }
    String name = text(head, LOCAL_BYTES, nameBytes);
    names.add(name);
    String object = "\u0080\u0002c__torch__";
    return name.endsWith("/data.pkl")
        && head.remaining() >= data + object.length()
        && text(head, data, object.length()).equals(object);
  }

  private static void centralNames(ByteBuffer tail, List<String> names) {
    for (int at = 0; at + CENTRAL_BYTES <= tail.limit(); at++) {
      if (tail.getInt(at) == CENTRAL_SIGNATURE) {
        int nameBytes = Short.toUnsignedInt(tail.getShort(at + 28));
        if (at + CENTRAL_BYTES + nameBytes <= tail.limit()) {
          names.add(text(tail, at + CENTRAL_BYTES, nameBytes));
        }
      }
    }
  }

  private static String text(ByteBuffer bytes, int at, int length) {
    return StandardCharsets.ISO_8859_1.decode(bytes.slice(at, length)).toString();
  }
}
