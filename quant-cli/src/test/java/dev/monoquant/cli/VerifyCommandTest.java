package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code quant verify}: exit codes and what is said. */
class VerifyCommandTest {

  @TempDir private Path folder;
  private final InProcess quant = new InProcess();

  @Test
  void saysWhatItFound() throws IOException {
    byte[] header =
        "{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[16,16],\"data_offsets\":[0,1024]}}"
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer model = ByteBuffer.allocate(8 + header.length + 1024).order(ByteOrder.LITTLE_ENDIAN);
    model.putLong(header.length).put(header);
    for (int i = 0; i < 256; i++) {
      model.putFloat((float) Math.sin(i));
    }
    Path input = Files.write(folder.resolve("m.safetensors"), model.array());
    Path output = folder.resolve("q.safetensors");
    assertThat(quant.run("quantize", input, "-o", output, "--layer", "fc=Linear"))
        .as(quant.err())
        .isZero();

    assertThat(quant.run("verify", output)).isZero();
    assertThat(quant.out()).contains("2 stored tensors read again", "nothing differs");
    assertThat(quant.run("verify", output, "--against", input, "--json")).isZero();
    assertThat(quant.out()).contains("\"kind\": \"verification\"", "\"sound\": true");
    assertThat(quant.run("verify", output, "--against", folder.resolve("no.safetensors")))
        .isEqualTo(3);
    assertThat(quant.run("verify", folder.resolve("no.safetensors"))).isEqualTo(3);
    assertThat(quant.run("verify", input)).isEqualTo(4);
    assertThat(quant.err()).contains("carries no manifest");

    byte[] bytes = Files.readAllBytes(output);
    bytes[bytes.length - 1] ^= 1;
    Files.write(output, bytes);
    assertThat(quant.run("verify", output)).isEqualTo(4);
    assertThat(quant.err()).contains("quant: ", "1 difference: tensor fc.weight");
    assertThat(quant.run("verify", output, "--json")).isEqualTo(4);
    assertThat(quant.out()).contains("\"sound\": false", "\"subject\": \"tensor fc.weight\"");
  }
}
