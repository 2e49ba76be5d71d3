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

/** What a training leaves in a file: names of wrappers, and weights in parts. */
class TrainedCheckpointTest {

  /** Two rows of eight columns; the direction of a weight, and its length of 2 in each row. */
  private static final String TENSORS =
      "{\"module._orig_mod.fc.weight_v\":{\"dtype\":\"F32\",\"shape\":[2,8],\"data_offsets\":[0,64]},"
          + "\"module._orig_mod.fc.weight_g\":"
          + "{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[64,72]}}";

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();

  private Path model() throws IOException {
    byte[] header = TENSORS.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 72).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    for (int i = 0; i < 16; i++) {
      bytes.putFloat(i % 8 == 0 ? 3 : i % 8 == 1 ? 4 : 0);
    }
    bytes.putFloat(10).putFloat(5);
    return Files.write(dir.resolve("m.safetensors"), bytes.array());
  }

  @Test
  void namesAreBareAndWeightsWhole() throws IOException {
    Path out = dir.resolve("out.safetensors");
    assertThat(quant.run("quantize", model(), "-o", out)).as(quant.err()).isZero();
    assertThat(quant.out()).contains("fc.weight ").doesNotContain("_orig_mod.fc.w ");
    assertThat(quant.out())
        .contains("The prefix \"module._orig_mod.\" is taken off all names.")
        .contains("Folded weight_norm of \"fc.weight\"");
    Path back = dir.resolve("back.safetensors");
    assertThat(quant.run("dequantize", out, "-o", back)).isZero();
    // 10 * (3, 4) / 5 and 5 * (3, 4) / 5: the greater of each row is a code of its own scale,
    // within half a step.
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(back)).order(ByteOrder.LITTLE_ENDIAN);
    int data = 8 + (int) bytes.getLong(0);
    assertThat(bytes.getFloat(data + 4)).isBetween(7.95f, 8.05f);
    assertThat(bytes.getFloat(data + 32 + 4)).isBetween(3.97f, 4.03f);
    assertThat(quant.run("verify", out, "--against", dir.resolve("m.safetensors")))
        .as(quant.out() + quant.err())
        .isZero();
  }

  @Test
  void bothAreForTheUserToChoose() throws IOException {
    Path model = model();
    assertThat(quant.run("inspect", model)).isZero();
    assertThat(quant.out())
        .contains("module._orig_mod.fc.weight_g ", "note: when it is quantized: Folded");
    assertThat(quant.run("inspect", model, "--fold")).isZero();
    assertThat(quant.out()).contains("module._orig_mod.fc.weight ").doesNotContain("weight_g ");
    assertThat(quant.run("inspect", model, "--strip-prefixes")).isZero();
    assertThat(quant.out()).contains("fc.weight_g ").doesNotContain("_orig_mod.fc.weight_g ");
    assertThat(quant.run("quantize", model, "--no-fold", "-o", dir.resolve("x.safetensors")))
        .isEqualTo(3);
    assertThat(quant.err())
        .contains("a part of what makes a weight")
        .doesNotContain("--layer NAME=Linear");
  }

  /** What loads a directory builds the model with weight_norm, and would miss its parts. */
  @Test
  void foldedWeightsGoToNoDirectory() throws IOException {
    Path out = dir.resolve("out");
    assertThat(quant.run("quantize", model(), "-o", out)).isEqualTo(2);
    assertThat(quant.err()).contains("--no-fold", "safetensors");
    assertThat(out).doesNotExist();
  }

  @Test
  void weightsHaveAGateOfTheirOwn() throws IOException {
    Path out = dir.resolve("out.safetensors");
    Path report = dir.resolve("r.json");
    assertThat(
            quant.run(
                "quantize", model(), "-o", out, "--min-weight-cosine", "1", "--report", report))
        .isEqualTo(4);
    assertThat(quant.err())
        .contains("fc.weight has a cosine of 0.99", "and --min-weight-cosine asks for 1.000000");
    assertThat(out).doesNotExist();
    assertThat(Files.readString(report))
        .contains("\"name\": \"min-weight-cosine\"", "\"elapsed_seconds\": ");
    assertThat(quant.run("quantize", model(), "-o", out, "--min-weight-cosine", "0.9")).isZero();
    assertThat(quant.out()).contains("gate min-weight-cosine 0.900000 passed: fc.weight has");
    assertThat(quant.err()).contains("took ", " s, ", " MiB/s");
  }

  @Test
  void modelsWithNothingInCommonAreNotComparedWithSuccess() throws IOException {
    Path other = dir.resolve("other");
    Files.createDirectory(other);
    Path linear = Models.linear(other.resolve("linear.safetensors"), 1);
    assertThat(quant.run("compare", model(), model())).isZero();
    assertThat(quant.run("compare", model(), linear)).isEqualTo(4);
    assertThat(quant.out()).contains("0 tensors in common");
    assertThat(quant.err()).contains("nothing was compared");
  }
}
