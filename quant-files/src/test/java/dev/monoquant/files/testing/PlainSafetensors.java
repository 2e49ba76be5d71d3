package dev.monoquant.files.testing;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** The plainest reader there can be: everything in memory, another JSON library, no checks. */
public record PlainSafetensors(Map<String, Entry> tensors, Map<String, String> metadata) {

  @SuppressWarnings("ArrayRecordComponent") // equals and hashCode look into it
  public record Entry(String dtype, String shape, byte[] bytes) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Entry e
          && dtype.equals(e.dtype)
          && shape.equals(e.shape)
          && Arrays.equals(bytes, e.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return dtype + shape + Arrays.toString(Arrays.copyOf(bytes, Math.min(bytes.length, 64)));
    }
  }

  public static PlainSafetensors read(Path path) throws IOException {
    byte[] all = Files.readAllBytes(path);
    int length = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(all, 8, length, StandardCharsets.UTF_8);
    Map<String, Entry> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> e :
        JsonParser.parseString(header).getAsJsonObject().entrySet()) {
      JsonObject o = e.getValue().getAsJsonObject();
      if (e.getKey().equals("__metadata__")) {
        o.entrySet().forEach(m -> metadata.put(m.getKey(), m.getValue().getAsString()));
      } else {
        int begin = 8 + length + o.getAsJsonArray("data_offsets").get(0).getAsInt();
        int end = 8 + length + o.getAsJsonArray("data_offsets").get(1).getAsInt();
        tensors.put(
            e.getKey(),
            new Entry(
                o.get("dtype").getAsString(),
                o.get("shape").toString().replace(",", ", "),
                Arrays.copyOfRange(all, begin, end)));
      }
    }
    return new PlainSafetensors(tensors, metadata);
  }

  /** Writes tensors one after the other as they come. */
  public static void write(Path path, Map<String, Entry> tensors) throws IOException {
    StringBuilder header = new StringBuilder("{");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Map.Entry<String, Entry> e : tensors.entrySet()) {
      Entry t = e.getValue();
      header
          .append(header.length() == 1 ? "" : ",")
          .append(new JsonPrimitive(e.getKey()))
          .append(":{\"dtype\":\"" + t.dtype() + "\",\"shape\":" + t.shape())
          .append(",\"data_offsets\":[" + data.size() + ",");
      data.writeBytes(t.bytes());
      header.append(data.size()).append("]}");
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer all =
        ByteBuffer.allocate(8 + text.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(text.length).put(text).put(data.toByteArray());
    Files.write(path, all.array());
  }

  /** Bit by bit: element i of a row at bit i * bits. */
  public static byte[] pack(byte[] codes, int cols, int bits, int bytesPerRow) {
    return pack(codes, cols, bits, bytesPerRow, cols == 0 ? 0 : codes.length / cols);
  }

  public static byte[] pack(byte[] codes, int cols, int bits, int bytesPerRow, int rows) {
    byte[] out = new byte[rows * bytesPerRow];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        for (int b = 0; b < bits; b++) {
          if ((codes[r * cols + c] >> b & 1) != 0) {
            int bit = c * bits + b;
            out[r * bytesPerRow + bit / 8] |= (byte) (1 << (bit % 8));
          }
        }
      }
    }
    return out;
  }
}
