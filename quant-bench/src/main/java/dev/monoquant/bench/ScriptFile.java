package dev.monoquant.bench;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleObject.Call;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Bool;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Builds a TorchScript archive with random weights. Not thread-safe. */
final class ScriptFile {

  private static final int CHUNK = 1 << 16;

  /** A storage whose numbers are generated when it is written. */
  private record Weights(int count, double scale, double mean, long seed) {}

  private final SortedMap<String, StringBuilder> code = new TreeMap<>();
  private final List<Weights> storages = new ArrayList<>();

  /** Adds lines to a file of code, named by its path below {@code code/}. */
  ScriptFile code(String path, String lines) {
    code.computeIfAbsent(path, p -> new StringBuilder()).append(lines);
    return this;
  }

  /** {@return a new tensor of normally distributed numbers} */
  PickleObject tensor(double scale, double mean, long... shape) {
    int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    int key = storages.size();
    storages.add(new Weights(count, scale, mean, key + 1));
    List<PickleValue> strides = new ArrayList<>();
    List<PickleValue> sizes = new ArrayList<>();
    long stride = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides.add(0, new Int(stride));
      sizes.add(0, new Int(shape[axis]));
      stride *= shape[axis];
    }
    PickleValue id =
        tuple(
            new Text("storage"),
            new Global("torch", "FloatStorage"),
            new Text(Integer.toString(key)),
            new Text("cpu"),
            new Int(count));
    return call(
        new Global("torch._utils", "_rebuild_tensor_v2"),
        tuple(
            new PicklePersistent(id),
            new Int(0),
            new PickleTuple(sizes),
            new PickleTuple(strides),
            new Bool(false),
            call(new Global("collections", "OrderedDict"), tuple())));
  }

  /** {@return a module of a class, given by its qualified name} */
  static PickleObject module(String type, Map<String, ? extends PickleValue> attributes) {
    int dot = type.lastIndexOf('.');
    Global name = new Global(type.substring(0, dot), type.substring(dot + 1));
    PickleObject module = new PickleObject(Call.NEW, name, tuple(), Optional.empty());
    PickleDict state = new PickleDict();
    attributes.forEach((key, value) -> state.put(new Text(key), value));
    state.put(new Text("training"), new Bool(false));
    module.setState(state);
    return module;
  }

  /** {@return a module of a class that restores itself from these values} */
  static PickleObject restored(String type, PickleValue... state) {
    PickleObject module = module(type, Map.of());
    module.setState(tuple(state));
    return module;
  }

  private static PickleObject call(Global callee, PickleTuple args) {
    return new PickleObject(Call.REDUCE, callee, args, Optional.empty());
  }

  private static PickleTuple tuple(PickleValue... items) {
    return new PickleTuple(List.of(items));
  }

  /** Writes the archive. */
  void write(PickleObject root, Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      store(zip, "data.pkl", PickleWriter.write(root, file.toString(), "data.pkl"));
      store(zip, "constants.pkl", PickleWriter.write(tuple(), file.toString(), "constants.pkl"));
      store(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
      for (Map.Entry<String, StringBuilder> entry : code.entrySet()) {
        byte[] text = entry.getValue().toString().getBytes(StandardCharsets.UTF_8);
        store(zip, "code/" + entry.getKey(), text);
      }
      for (int key = 0; key < storages.size(); key++) {
        store(zip, "data/" + key, numbers(storages.get(key)));
      }
    }
  }

  private static byte[] numbers(Weights weights) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(weights.count(), Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    Random random = new Random(weights.seed());
    float[] chunk = new float[Math.min(CHUNK, weights.count())];
    for (int i = 0; i < chunk.length; i++) {
      chunk[i] = (float) (weights.mean() + weights.scale() * random.nextGaussian());
    }
    // The generator is slow: large weights repeat, shifted by an odd number of places.
    for (int i = 0; i < weights.count(); i++) {
      bytes.putFloat(chunk[(i + i / chunk.length * 7) % chunk.length]);
    }
    return bytes.array();
  }

  private static void store(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    ZipEntry entry = new ZipEntry("model/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }
}
