package dev.monoquant.testkit.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A file with everything in it by name, in the order of the names: for each the length of its name
 * (int32), its name, the length of its bytes (int32) and the bytes; big-endian. It is written under
 * another name and renamed.
 */
@AutoService(OutputFormat.class)
public class FlatOutput implements OutputFormat {

  @Override
  public String id() {
    return "acme/flat";
  }

  @Override
  public boolean accepts(Path target) {
    return target.toString().endsWith(".flat");
  }

  @Override
  public OutputSession open(ModelSource source) {
    return new OutputSession() {
      @Override
      public Optional<String> unsupported(EncodedWeight weight) {
        return FlatOutput.this.unsupported(weight);
      }

      @Override
      public OutputLayout layout(OutputContents contents) {
        return new Layout(contents);
      }

      @Override
      public void close() {}
    };
  }

  /** Whether a weight can be stored: any. */
  protected Optional<String> unsupported(EncodedWeight weight) {
    return Optional.empty();
  }

  /** The size of the file. */
  protected long bytes(OutputContents contents) {
    return entries(contents).entrySet().stream()
        .mapToLong(e -> head(e.getKey(), e.getValue()).length + e.getValue())
        .sum();
  }

  /** Starts to write. */
  protected OutputWriter write(OutputContents contents, WriteOptions options) throws IOException {
    if (Files.exists(options.target()) && !options.overwrite()) {
      throw new OutputException(options.target() + " is there; pass --force to replace it");
    }
    if (options.resume()) {
      throw new ConfigurationException(options.target() + " cannot be resumed; start anew");
    }
    return new Sink(contents, options.target());
  }

  private static WeightLayout parts(EncodedWeight weight) {
    return TensorPerPart.ofCells(weight.matrix(), weight.encoding());
  }

  /** The bytes of everything, by name. */
  private static Map<String, Long> entries(OutputContents contents) {
    Map<String, Long> entries = new TreeMap<>();
    for (EncodedWeight weight : contents.weights()) {
      parts(weight).tensors().forEach(t -> entries.put(t.name(), t.bytes()));
    }
    contents.kept().forEach(t -> entries.put(t.name(), t.bytes()));
    return entries;
  }

  private static byte[] head(String entry, long bytes) {
    byte[] name = entry.getBytes(UTF_8);
    return ByteBuffer.allocate(8 + name.length)
        .putInt(name.length)
        .put(name)
        .putInt(Math.toIntExact(bytes))
        .array();
  }

  private final class Layout implements OutputLayout {
    private final OutputContents contents;

    Layout(OutputContents contents) {
      this.contents = contents;
    }

    @Override
    public long bytes() {
      return FlatOutput.this.bytes(contents);
    }

    @Override
    public OutputWriter open(WriteOptions options) throws IOException {
      return write(contents, options);
    }
  }

  private static final class Sink implements OutputWriter {
    private final Path target;
    private final Path temporary;
    private final FileChannel file;
    private final Map<String, Long> starts = new TreeMap<>();
    private final Map<String, Long> ends = new TreeMap<>();

    Sink(OutputContents contents, Path target) throws IOException {
      this.target = target;
      this.temporary = target.resolveSibling(target.getFileName() + ".tmp");
      this.file =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE);
      long at = 0;
      for (Map.Entry<String, Long> entry : entries(contents).entrySet()) {
        byte[] head = head(entry.getKey(), entry.getValue());
        put(ByteBuffer.wrap(head), at);
        at += head.length;
        starts.put(entry.getKey(), at);
        at += entry.getValue();
        ends.put(entry.getKey(), at);
      }
    }

    private void put(ByteBuffer data, long at) throws IOException {
      long position = at;
      while (data.hasRemaining()) {
        position += file.write(data, position);
      }
    }

    private void put(String entry, long offset, ByteBuffer data) throws IOException {
      long at = starts.get(entry) + offset;
      if (offset < 0 || at + data.remaining() > ends.get(entry)) {
        throw new IllegalArgumentException(entry + " has no such bytes");
      }
      put(data, at);
    }

    @Override
    public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
      writer(weight).writeTile(tile);
    }

    @Override
    public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
      writer(weight).writeWhole(parts);
    }

    /** A writer for each tile: cells are stored as they come, nothing is collected. */
    private WeightLayout.Writer writer(EncodedWeight weight) {
      return parts(weight).writer((part, offset, data) -> put(part.name(), offset, data));
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
      put(tensor.name(), offset, data);
    }

    @Override
    public List<Path> commit() throws IOException {
      file.close();
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      return List.of(target);
    }

    @Override
    public void close() throws IOException {
      file.close();
      Files.deleteIfExists(temporary);
    }
  }
}
