package dev.monoquant.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A safetensors file of many small experts: F32 matrices of zeros, 4 by 4. */
public final class ManyExperts {

  private static final int BYTES = 64;

  private ManyExperts() {}

  /** Writes that many matrices to a new file. */
  public static void write(Path file, int count) throws IOException {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < count; i++) {
      header
          .append(i == 0 ? "" : ",")
          .append("\"model.layers.")
          .append(i / 1000)
          .append(".mlp.experts.")
          .append(i % 1000)
          .append(".w.weight\":{\"dtype\":\"F32\",\"shape\":[4,4],\"data_offsets\":[")
          .append(i * BYTES)
          .append(',')
          .append((i + 1) * BYTES)
          .append("]}");
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.US_ASCII);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array());
      out.write(text);
      out.write(new byte[count * BYTES]);
    }
  }
}
