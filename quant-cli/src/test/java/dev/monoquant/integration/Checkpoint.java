package dev.monoquant.integration;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Small F32 checkpoints, written by hand: a file, or a directory of shards. */
final class Checkpoint {

  private Checkpoint() {}

  /** One file of linear layers {@code l0}, {@code l1} and so on, {@code size} x {@code size}. */
  static Path file(Path path, long seed, int layers, int size) throws IOException {
    Map<String, float[]> tensors = new LinkedHashMap<>();
    for (int i = 0; i < layers; i++) {
      tensors.putAll(layer(seed, i, size));
    }
    return write(path, tensors, size);
  }

  /** A directory with a shard for each layer, a config and a tokenizer. */
  static Path directory(Path path, long seed, int layers, int size) throws IOException {
    Files.createDirectories(path);
    StringBuilder map = new StringBuilder();
    long total = 0;
    for (int i = 0; i < layers; i++) {
      String shard = String.format("model-%05d-of-%05d.safetensors", i + 1, layers);
      Map<String, float[]> tensors = layer(seed, i, size);
      write(path.resolve(shard), tensors, size);
      for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
        total += 4L * tensor.getValue().length;
        map.append(map.length() == 0 ? "" : ",");
        map.append('"').append(tensor.getKey()).append("\":\"").append(shard).append('"');
      }
    }
    Files.writeString(
        path.resolve("model.safetensors.index.json"),
        "{\"metadata\":{\"total_size\":" + total + "},\"weight_map\":{" + map + "}}");
    Files.writeString(path.resolve("config.json"), "{\"architectures\":[\"Test\"]}");
    Files.writeString(path.resolve("tokenizer.json"), "{\"seed\":" + seed + "}");
    return path;
  }

  private static Map<String, float[]> layer(long seed, int index, int size) {
    Random random = new Random(seed * 1000 + index);
    Map<String, float[]> tensors = new LinkedHashMap<>();
    tensors.put("l" + index + ".weight", numbers(random, size * size));
    tensors.put("l" + index + ".bias", numbers(random, size));
    return tensors;
  }

  private static float[] numbers(Random random, int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian() / 10;
    }
    return numbers;
  }

  private static Path write(Path path, Map<String, float[]> tensors, int size) throws IOException {
    StringBuilder header = new StringBuilder("{");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
      float[] values = tensor.getValue();
      ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      String shape = values.length == size ? "[" + size + "]" : "[" + size + "," + size + "]";
      header.append(header.length() == 1 ? "" : ",");
      header.append('"').append(tensor.getKey()).append("\":{\"dtype\":\"F32\",\"shape\":");
      header.append(shape).append(",\"data_offsets\":[").append(data.size()).append(',');
      data.write(bytes.array());
      header.append(data.size()).append("]}");
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + text.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(text.length).put(text).put(data.toByteArray());
    return Files.write(path, file.array());
  }
}
