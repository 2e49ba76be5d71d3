package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With {@code --quiet}, a command prints failures and what its options request. */
class QuietTest {

  @TempDir private Path folder;
  private final InProcess quant = new InProcess();
  private Path input = Path.of("");
  private Path output = Path.of("");

  @BeforeEach
  void model() throws IOException {
    byte[] header =
        "{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[16,16],\"data_offsets\":[0,1024]}}"
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer model = ByteBuffer.allocate(8 + header.length + 1024).order(ByteOrder.LITTLE_ENDIAN);
    model.putLong(header.length).put(header);
    for (int i = 0; i < 256; i++) {
      model.putFloat((float) Math.sin(i));
    }
    input = Files.write(folder.resolve("m.safetensors"), model.array());
    output = folder.resolve("q.safetensors");
  }

  private int quantize(String... more) {
    Object[] all = new Object[7 + more.length];
    System.arraycopy(
        new Object[] {"quantize", input, "-o", output, "--layer", "fc=Linear", "--quiet"},
        0,
        all,
        0,
        7);
    System.arraycopy(more, 0, all, 7, more.length);
    return quant.run(all);
  }

  private void assertSilent() {
    assertThat(quant.out()).isEmpty();
    assertThat(quant.err()).isEmpty();
  }

  @Test
  void aRunThatSucceedsPrintsNothing() {
    assertThat(quantize()).isZero();
    assertSilent();
    assertThat(output).exists();
    assertThat(quant.run("verify", output, "--quiet")).isZero();
    assertSilent();
    assertThat(quant.run("compare", input, output, "--quiet")).isZero();
    assertSilent();
    assertThat(quant.run("dequantize", output, "-o", folder.resolve("f.safetensors"), "--quiet"))
        .isZero();
    assertSilent();
  }

  @Test
  void whatAnOptionRequestsIsPrinted() {
    assertThat(quantize("--dry-run")).isZero();
    assertThat(quant.out()).contains("fc.weight");
    assertThat(quantize("--json")).isZero();
    assertThat(quant.out()).startsWith("{");
    assertThat(quant.err()).isEmpty();
    assertThat(quantize("--force", "--table")).isZero();
    assertThat(quant.out()).contains("fc.weight");
    assertThat(quant.run("verify", output, "--quiet", "--json")).isZero();
    assertThat(quant.out()).contains("\"sound\": true");
    Path report = folder.resolve("report.json");
    assertThat(quantize("--force", "--report", report.toString())).isZero();
    assertSilent();
    assertThat(report).content().contains("\"fc.weight\"");
  }

  @Test
  void failuresArePrinted() {
    assertThat(quantize("--min-sqnr", "90")).isEqualTo(4);
    assertThat(quant.out()).isEmpty();
    assertThat(quant.err()).startsWith("quant: ").contains("SQNR");
  }
}
