package dev.monoquant.io.calibration;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A small safetensors file with statistics, written byte by byte. */
final class StatisticsFile {

  private final List<String> entries = new ArrayList<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private String metadata = "";

  StatisticsFile version(String version) {
    metadata = "\"__metadata__\":{\"monoquant.calibration\":\"" + version + "\"},";
    return this;
  }

  StatisticsFile floats(String name, long[] shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return add(name, "F32", shape, bytes.array());
  }

  StatisticsFile longs(String name, long value) {
    ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
    return add(name, "I64", new long[] {1}, bytes.array());
  }

  private StatisticsFile add(String name, String type, long[] shape, byte[] bytes) {
    int begin = data.size();
    data.writeBytes(bytes);
    entries.add(
        String.format(
            "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
            name, type, Arrays.toString(shape), begin, data.size()));
    return this;
  }

  Path write(Path file) throws IOException {
    byte[] header =
        ("{" + metadata + String.join(",", entries) + "}").getBytes(StandardCharsets.UTF_8);
    ByteBuffer all =
        ByteBuffer.allocate(8 + header.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(header.length).put(header).put(data.toByteArray());
    return Files.write(file, all.array());
  }
}
