package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mixture of many small experts is inspected and planned in 512 MB. */
class ManyTensorsIT {

  private static final int TENSORS = 100_000;
  private static final int BYTES = 64;

  @TempDir private Path dir;

  @Test
  void aHundredThousandWeightsFit() throws IOException {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < TENSORS; i++) {
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
    try (OutputStream out = Files.newOutputStream(dir.resolve("many.safetensors"))) {
      out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array());
      out.write(text);
      out.write(new byte[TENSORS * BYTES]);
    }
    Distribution small = new Distribution(dir).with("QUANT_OPTS", "-Xmx512m");
    Run inspect = small.quant("inspect", "many.safetensors");
    assertThat(inspect.code()).as(inspect.err()).isZero();
    Run plan = small.quant("quantize", "many.safetensors", "-o", "int8.safetensors", "--dry-run");
    assertThat(plan.code()).as(plan.err()).isZero();
    assertThat(plan.out()).contains("100000 weights of 100000 tensors");
  }
}
