package dev.monoquant.testkit.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.auto.service.AutoService;
import dev.monoquant.OutputException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.testkit.fakes.MemorySink;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file with everything in it by name, in the order of the names: for each the length of its name
 * (int32), its name, the length of its bytes (int32) and the bytes; big-endian. It collects in
 * memory and writes on commit, so it is for small models.
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
        return new Layout(source, contents);
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
    long sum = 0;
    for (EncodedWeight weight : contents.weights()) {
      for (Part part : weight.encoding().parts()) {
        long cells = part.shape(weight.rows().rows(), weight.rows().cols()).elements();
        sum += entry(weight.name() + "/" + part.name(), cells * part.type().cellBytes());
      }
    }
    for (TensorInfo tensor : contents.kept()) {
      sum += entry(tensor.name(), tensor.bytes());
    }
    return sum;
  }

  private static long entry(String name, long bytes) {
    return 8 + name.getBytes(UTF_8).length + bytes;
  }

  /** Starts to write. */
  protected OutputWriter write(ModelSource source, OutputContents contents, WriteOptions options)
      throws IOException {
    if (Files.exists(options.target()) && !options.overwrite()) {
      throw new OutputException(options.target() + " is there; pass --overwrite to replace it");
    }
    OutputWriter collected = new MemoryOutput().open(source).layout(contents).open(options);
    return new Sink(this, options.target(), (MemorySink) collected);
  }

  /** The order in which parts and tensors are written. */
  protected Map<String, byte[]> ordered(MemorySink collected) {
    return collected.contents();
  }

  /** Where the file is before it has its name. */
  protected Path temporary(Path target) {
    return target.resolveSibling(target.getFileName() + ".tmp");
  }

  private final class Layout implements OutputLayout {
    private final ModelSource source;
    private final OutputContents contents;

    Layout(ModelSource source, OutputContents contents) {
      this.source = source;
      this.contents = contents;
    }

    @Override
    public long bytes() {
      return FlatOutput.this.bytes(contents);
    }

    @Override
    public OutputWriter open(WriteOptions options) throws IOException {
      return write(source, contents, options);
    }
  }

  private record Sink(FlatOutput format, Path target, MemorySink collected)
      implements OutputWriter {
    @Override
    public void writeTile(EncodedWeight weight, EncodedTile tile) {
      collected.writeTile(weight, tile);
    }

    @Override
    public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) {
      collected.writeWhole(weight, parts);
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) {
      collected.writeKept(tensor, offset, data);
    }

    @Override
    public List<Path> commit() throws IOException {
      collected.commit();
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      for (Map.Entry<String, byte[]> entry : format.ordered(collected).entrySet()) {
        byte[] name = entry.getKey().getBytes(UTF_8);
        out.writeInt(name.length);
        out.write(name);
        out.writeInt(entry.getValue().length);
        out.write(entry.getValue());
      }
      Path temporary = Files.write(format.temporary(target), bytes.toByteArray());
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      return List.of(target);
    }

    @Override
    public void close() {
      collected.close();
    }
  }
}
