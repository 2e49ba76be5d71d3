package dev.monoquant.testkit.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.auto.service.AutoService;
import dev.monoquant.OutputException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.OutputWriter;
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
  public boolean suits(Path target) {
    return target.toString().endsWith(".flat");
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    return Optional.empty();
  }

  @Override
  public long predictBytes(OutputRequest request) {
    long sum = 0;
    for (EncodedWeight weight : request.weights()) {
      for (Part part : weight.encoding().parts()) {
        long cells = part.shape(weight.rows().rows(), weight.rows().cols()).elements();
        sum += entry(weight.name() + "/" + part.name(), cells * part.type().cellBytes());
      }
    }
    for (TensorInfo tensor : request.kept()) {
      sum += entry(tensor.name(), tensor.bytes());
    }
    return sum;
  }

  private static long entry(String name, long bytes) {
    return 8 + name.getBytes(UTF_8).length + bytes;
  }

  @Override
  public OutputWriter open(OutputRequest request) throws IOException {
    if (Files.exists(request.target()) && !request.overwrite()) {
      throw new OutputException(request.target() + " is there; pass --overwrite to replace it");
    }
    return new Sink(this, request, (MemorySink) new MemoryOutput().open(request));
  }

  /** The order in which parts and tensors are written. */
  protected Map<String, byte[]> ordered(MemorySink collected) {
    return collected.contents();
  }

  /** Where the file is before it has its name. */
  protected Path temporary(Path target) {
    return target.resolveSibling(target.getFileName() + ".tmp");
  }

  private record Sink(FlatOutput format, OutputRequest request, MemorySink collected)
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
      Path temporary = Files.write(format.temporary(request.target()), bytes.toByteArray());
      Files.move(temporary, request.target(), StandardCopyOption.REPLACE_EXISTING);
      return List.of(request.target());
    }

    @Override
    public void close() {
      collected.close();
    }
  }
}
