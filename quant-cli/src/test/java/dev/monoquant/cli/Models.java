package dev.monoquant.cli;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Small models, made when they are needed. */
final class Models {

  private Models() {}

  /** One Linear layer {@code fc} of 4 rows and 8 columns; its first number is as given. */
  static Path linear(Path file, float first) throws IOException {
    byte[] header = header("{'fc.weight':{'dtype':'F32','shape':[4,8],'data_offsets':[0,128]}}");
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 128).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    bytes.putFloat(first);
    for (int i = 1; i < 32; i++) {
      bytes.putFloat((float) Math.sin(i));
    }
    return Files.write(file, bytes.array());
  }

  /** Tensors of floats by name and shape, such as {@code fc.weight 4x16; fc.bias 4}. */
  static Path tensors(Path file, String tensors) throws IOException {
    StringBuilder json = new StringBuilder();
    int size = 0;
    for (String tensor : tensors.split(";", -1)) {
      String[] parts = tensor.strip().split(" ", -1);
      int end = size + Float.BYTES;
      for (String dim : parts[1].split("x", -1)) {
        end = size + (end - size) * Integer.parseInt(dim);
      }
      json.append(size == 0 ? "{" : ",")
          .append("'" + parts[0] + "':{'dtype':'F32','shape':[" + parts[1].replace('x', ','))
          .append("],'data_offsets':[" + size + "," + end + "]}");
      size = end;
    }
    byte[] header = header(json.append('}').toString());
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    for (int i = 0; bytes.hasRemaining(); i++) {
      bytes.putFloat((float) Math.sin(i));
    }
    return Files.write(file, bytes.array());
  }

  /** A sharded directory: two Linear layers in a file each, a configuration and a tokenizer. */
  static Path sharded(Path directory) throws IOException {
    Files.createDirectory(directory);
    for (int i = 1; i <= 2; i++) {
      Path shard = linear(directory.resolve("model-0000" + i + "-of-00002.safetensors"), i);
      byte[] bytes = Files.readAllBytes(shard);
      String text = new String(bytes, StandardCharsets.ISO_8859_1).replace("fc.w", "f" + i + ".w");
      Files.write(shard, text.getBytes(StandardCharsets.ISO_8859_1));
    }
    Files.writeString(
        directory.resolve("model.safetensors.index.json"),
        """
        {"metadata": {"total_size": 256}, "weight_map": {
          "f1.weight": "model-00001-of-00002.safetensors",
          "f2.weight": "model-00002-of-00002.safetensors"}}
        """);
    Files.writeString(directory.resolve("config.json"), "{\"architectures\": [\"Tiny\"]}\n");
    Files.writeString(directory.resolve("tokenizer.json"), "{}\n");
    return directory;
  }

  /** A directory with the layers of a small language model, 64 columns each. */
  static Path llm(Path directory) throws IOException {
    Files.createDirectory(directory);
    List<String> names =
        List.of(
            "model.layers.0.mlp.up_proj",
            "model.layers.0.mlp.down_proj",
            "model.router",
            "lm_head");
    int size = 64 * 128 * Float.BYTES;
    StringBuilder json = new StringBuilder();
    for (String name : names) {
      int at = names.indexOf(name) * size;
      json.append(json.length() == 0 ? "{" : ",")
          .append("'%s.weight':{'dtype':'F32','shape':[64,128],".formatted(name))
          .append("'data_offsets':[%d,%d]}".formatted(at, at + size));
    }
    byte[] header = header(json.append('}').toString());
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + names.size() * size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    for (int i = 0; bytes.hasRemaining(); i++) {
      bytes.putFloat((float) Math.sin(i));
    }
    Files.write(directory.resolve("model.safetensors"), bytes.array());
    Files.writeString(directory.resolve("config.json"), "{\"architectures\": [\"Tiny\"]}\n");
    return directory;
  }

  /** Linear layers of zeros, without taking room on the disk; each has 64 MiB. */
  static Path sparse(Path file, int layers) throws IOException {
    long size = 64L << 20;
    StringBuilder json = new StringBuilder();
    for (int i = 0; i < layers; i++) {
      json.append(json.length() == 0 ? "{" : ",")
          .append("'fc%d.weight':{'dtype':'F32','shape':[4096,4096],".formatted(i))
          .append("'data_offsets':[%d,%d]}".formatted(i * size, (i + 1) * size));
    }
    byte[] header = header(json.append('}').toString());
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
      out.write(header);
      out.setLength(8 + header.length + layers * size);
    }
    return file;
  }

  /**
   * A GGUF model in two files, a Linear layer of 64 rows and columns in F16 in each:
   *
   * <pre>
   * "GGUF"  u32 3  u64 1 tensor  u64 3 values
   * values  each: u64 length, key, u32 4, u32
   * tensor  u64 length, name, u32 2, u64 64, u64 64, u32 1 (F16), u64 0
   * zeros to a multiple of 32, then 8192 bytes
   * </pre>
   *
   * @return the first of the files
   */
  static Path splitGguf(Path directory) throws IOException {
    Files.createDirectory(directory);
    for (int part = 0; part < 2; part++) {
      ByteBuffer bytes = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);
      bytes.put(new byte[] {'G', 'G', 'U', 'F'}).putInt(3).putLong(1).putLong(3);
      value(bytes, "split.no", part);
      value(bytes, "split.count", 2);
      value(bytes, "split.tensors.count", 2);
      text(bytes, "blk." + part + ".attn_q.weight");
      bytes.putInt(2).putLong(64).putLong(64).putInt(1).putLong(0);
      bytes.position((bytes.position() + 31) / 32 * 32);
      for (int i = 0; i < 64 * 64; i++) {
        // Halves of 2^-4 to 2^-3, which are 0x2C00 and 1024 steps after it, with both signs.
        bytes.putShort((short) (0x2C00 + i * 37 % 1024 | (i % 3 == 0 ? 0x8000 : 0)));
      }
      byte[] file = new byte[bytes.flip().remaining()];
      bytes.get(file);
      Files.write(directory.resolve("m-0000" + (part + 1) + "-of-00002.gguf"), file);
    }
    return directory.resolve("m-00001-of-00002.gguf");
  }

  private static void value(ByteBuffer bytes, String key, int number) {
    text(bytes, key);
    bytes.putInt(4).putInt(number);
  }

  private static void text(ByteBuffer bytes, String text) {
    bytes.putLong(text.length()).put(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] header(String json) {
    String text = json.replace('\'', '"');
    return (text + " ".repeat((8 - text.length() % 8) % 8)).getBytes(StandardCharsets.US_ASCII);
  }
}
