package dev.monoquant.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Models that are made for a test, and the bytes of outputs. */
final class Models {

  private Models() {}

  /** A directory of linear layers, a shard for each, with a configuration and a tokenizer. */
  static Path directory(Path path, int layers, int size) throws IOException {
    Files.createDirectories(path);
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < layers; i++) {
      String shard = String.format("model-%05d-of-%05d.safetensors", i + 1, layers);
      shard(path.resolve(shard), i, size);
      map.append(map.isEmpty() ? "" : ",")
          .append("\"l%d.weight\":\"%s\",\"l%d.bias\":\"%s\"".formatted(i, shard, i, shard));
    }
    Files.writeString(
        path.resolve("model.safetensors.index.json"),
        "{\"metadata\":{},\"weight_map\":{" + map + "}}");
    Files.writeString(path.resolve("config.json"), "{\"architectures\":[\"Test\"]}");
    Files.writeString(path.resolve("tokenizer.json"), "{}");
    return path;
  }

  private static void shard(Path file, int layer, int size) throws IOException {
    int weight = 4 * size * size;
    String json =
        ("{\"l%d.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]},"
                + "\"l%d.bias\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}")
            .formatted(layer, size, size, weight, layer, size, weight, weight + 4 * size);
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + weight + 4 * size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    Random random = new Random(layer);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian() / 10);
    }
    Files.write(file, bytes.array());
  }

  /** The name and the bytes of each file of an output, which may be one file. */
  static SortedMap<String, String> contents(Path output) throws IOException {
    SortedMap<String, String> all = new TreeMap<>();
    try (Stream<Path> files = Files.walk(output)) {
      files
          .filter(Files::isRegularFile)
          .forEach(file -> all.put(output.relativize(file).toString(), bytes(file)));
    }
    return all;
  }

  private static String bytes(Path file) {
    try (ByteArrayOutputStream bytes = new ByteArrayOutputStream()) {
      Files.copy(file, bytes);
      return bytes.toString(StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
