package dev.monoquant.io.foreign;

import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.PlainSafetensors.Entry;
import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TileDecoder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** A directory with a model that another project quantized. */
final class ForeignDirectory {

  private final Path folder;
  private final Map<String, Entry> tensors = new LinkedHashMap<>();

  ForeignDirectory(Path folder) {
    this.folder = folder;
  }

  /** Adds tensors of zeros, such as {@code fc.weight U8 4x8 + fc.scale F32 4}; no shape: (). */
  ForeignDirectory zeros(String text) {
    for (String tensor : text.split(" \\+ ", -1)) {
      String[] parts = tensor.strip().split(" ", -1);
      long[] dims =
          parts.length == 2
              ? new long[0]
              : Arrays.stream(parts[2].split("x", -1)).mapToLong(Long::parseLong).toArray();
      TensorShape shape = TensorShape.of(dims);
      long bits = shape.elements() * ElementType.of(parts[1]).bits();
      tensors.put(parts[0], new Entry(parts[1], shape.toString(), new byte[(int) (bits / 8)]));
    }
    return this;
  }

  ForeignDirectory add(String name, String type, byte[] bytes, long... dims) {
    tensors.put(name, new Entry(type, TensorShape.of(dims).toString(), bytes));
    return this;
  }

  /** Adds floats in a type of 16 or 32 bits, which must hold them exactly. */
  ForeignDirectory floats(String name, String type, float[] numbers, long... dims) {
    ElementType element = ElementType.of(type);
    ByteBuffer bytes =
        ByteBuffer.allocate(numbers.length * element.cellBytes()).order(ByteOrder.LITTLE_ENDIAN);
    byte[] all = bytes.array();
    dev.monoquant.model.FloatBytes.narrow(element, numbers, 0, numbers.length, all, 0);
    return add(name, type, all, dims);
  }

  byte[] bytes(String name) {
    Entry entry = tensors.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(name);
    }
    return entry.bytes();
  }

  Map<String, Entry> tensors() {
    return tensors;
  }

  /** Writes one file, and config.json with single quotes for double ones. */
  Path write(String config) throws IOException {
    PlainSafetensors.write(folder.resolve("model.safetensors"), tensors);
    return config(config);
  }

  /** Writes each tensor to a shard of its own. */
  Path shards(String config) throws IOException {
    StringBuilder map = new StringBuilder();
    int number = 1;
    for (Map.Entry<String, Entry> tensor : tensors.entrySet()) {
      String file = "model-%05d-of-%05d.safetensors".formatted(number++, tensors.size());
      PlainSafetensors.write(folder.resolve(file), Map.of(tensor.getKey(), tensor.getValue()));
      map.append(map.length() == 0 ? "" : ",")
          .append("\"" + tensor.getKey() + "\":\"" + file + "\"");
    }
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{" + map + "}}");
    return config(config);
  }

  private Path config(String config) throws IOException {
    Files.writeString(folder.resolve("config.json"), config.replace('\'', '"'));
    return folder;
  }

  static ModelSource open(Path model) throws IOException {
    return new ModelDirectoryFormat().open(ModelInput.of(model), ReadLimits.DEFAULT);
  }

  /** The only weight, decoded row by row of its matrix in tiles of some height. */
  static float[] decode(ModelSource source, int step) throws IOException {
    Iterator<EncodedWeight> weights = source.info().quantized().iterator();
    EncodedWeight weight = weights.next();
    if (weights.hasNext()) {
      throw new IllegalArgumentException("also " + weights.next().name());
    }
    int rows = Math.toIntExact(weight.matrix().rowCount());
    int columns = Math.toIntExact(weight.matrix().columnCount());
    float[] all = new float[rows * columns];
    for (int row = 0; row < rows; row += step) {
      int height = Math.min(step, rows - row);
      float[] some = new float[height * columns];
      TileDecoder.ofFormula(weight)
          .decode(source.readTile(weight, new RowRange(row, height)), some);
      System.arraycopy(some, 0, all, row * columns, some.length);
    }
    return all;
  }
}
