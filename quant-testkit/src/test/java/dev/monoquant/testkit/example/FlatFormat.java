package dev.monoquant.testkit.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Vectors of float32, all little-endian: the magic number, the count of tensors (int32), then for
 * each the length of its name (int32), its name in UTF-8, its count of numbers (int32) and the
 * numbers.
 */
@AutoService(InputFormatDetector.class)
public class FlatFormat implements InputFormatDetector {

  private static final byte[] MAGIC = "ACMEFLAT".getBytes(UTF_8);

  @Override
  public String id() {
    return "acme/flat";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath file) || !Files.isRegularFile(file.path())) {
      return Match.NONE;
    }
    try (InputStream in = Files.newInputStream(file.path())) {
      return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC) ? Match.CERTAIN : Match.NONE;
    } catch (IOException e) {
      return Match.NONE;
    }
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    String name = input.describe();
    if (!(input instanceof ModelInput.OfPath file)) {
      throw new ModelFormatException(Reason.NOT_THIS_FORMAT, name, "", "it is no file");
    }
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(file.path())).order(ByteOrder.LITTLE_ENDIAN);
    try {
      return parse(name, bytes, limits);
    } catch (BufferUnderflowException e) {
      throw new ModelFormatException(
          Reason.TRUNCATED, name, "", "it ends after " + bytes.limit() + " bytes", e);
    }
  }

  private ModelSource parse(String file, ByteBuffer in, ReadLimits limits) {
    if (!Arrays.equals(bytes(in, MAGIC.length), MAGIC)) {
      throw new ModelFormatException(Reason.NOT_THIS_FORMAT, file, "", "no magic number");
    }
    int count = in.getInt();
    if (count < 1 || count > limits.maxTensors()) {
      throw new ModelFormatException(
          Reason.LIMIT, file, "", count + " tensors; maxTensors is " + limits.maxTensors());
    }
    MemoryModel.Builder model = MemoryModel.named(file);
    Set<String> names = new HashSet<>();
    for (int i = 0; i < count; i++) {
      String name = new String(bytes(in, in.getInt()), UTF_8);
      if (!names.add(name)) {
        throw new ModelFormatException(Reason.DUPLICATE_KEY, file, name, "it is there twice");
      }
      int numbers = in.getInt();
      if (numbers < 0) {
        throw new ModelFormatException(Reason.SHAPE, file, name, numbers + " numbers");
      }
      TensorInfo tensor = new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(numbers));
      model.tensor(tensor, data(in, tensor.bytes()));
    }
    if (in.hasRemaining()) {
      throw new ModelFormatException(Reason.TRAILING_DATA, file, "", in.remaining() + " bytes");
    }
    return model.build().open();
  }

  /** The bytes of a tensor. */
  protected byte[] data(ByteBuffer in, long length) {
    return bytes(in, length);
  }

  private static byte[] bytes(ByteBuffer in, long length) {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[(int) length];
    in.get(bytes);
    return bytes;
  }

  /** The bytes of the vectors that {@link #write} writes, a NaN with a payload among them. */
  public static Map<String, byte[]> truth() {
    ByteBuffer ab = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    ab.putFloat(1 / 3f).putFloat(-0f).putInt(0x7FC0_0001).putFloat(2).putFloat(1e-40f);
    ByteBuffer bias = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    bias.putFloat(-1).putFloat(7);
    return Map.of("a.b", ab.array(), "bias", bias.array());
  }

  /** Writes a model of two vectors. */
  public static Path write(Path file) throws IOException {
    ByteBuffer out = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).putInt(2);
    for (Map.Entry<String, byte[]> tensor : new TreeMap<>(truth()).entrySet()) {
      out.putInt(tensor.getKey().length()).put(tensor.getKey().getBytes(UTF_8));
      out.putInt(tensor.getValue().length / Float.BYTES).put(tensor.getValue());
    }
    return Files.write(file, Arrays.copyOf(out.array(), out.position()));
  }
}
