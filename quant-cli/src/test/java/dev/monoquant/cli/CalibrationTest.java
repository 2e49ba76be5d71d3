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

/** {@code quant quantize --calibration}. */
class CalibrationTest {

  private static final int COLS = 128;

  @TempDir private Path dir;
  private Path model;
  private final InProcess quant = new InProcess();

  @BeforeEach
  void makeModel() throws IOException {
    model = Models.tensors(dir.resolve("in.safetensors"), "a.weight 64x128; b.weight 64x128");
  }

  private Path at(String name) {
    return dir.resolve(name + ".safetensors");
  }

  /** The Gram matrix of inputs that depend on their neighbours; one value may be replaced. */
  private Path calibration(String name, String layer, float first) throws IOException {
    byte[] header =
        String.format(
                "{\"%s.h\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}",
                layer, COLS, COLS, COLS * COLS * 4)
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + COLS * COLS * 4).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    for (int i = 0; i < COLS; i++) {
      for (int j = 0; j < COLS; j++) {
        file.putFloat(i + j == 0 ? first : (float) Math.pow(0.9, Math.abs(i - j)));
      }
    }
    return Files.write(at(name), file.array());
  }

  private int quantize(Path output, Object... more) {
    Object[] args = new Object[more.length + 6];
    System.arraycopy(
        new Object[] {"quantize", model, "-o", output, "--scheme", "int4"}, 0, args, 0, 6);
    System.arraycopy(more, 0, args, 6, more.length);
    return quant.run(args);
  }

  @Test
  void gptqTakesTheInputsAndSaysWhichLayersHaveNone() throws IOException {
    Path calibration = calibration("c", "a", 1);
    int code = quantize(at("q"), "--option", "method=gptq", "--calibration", calibration);
    assertThat(code).as(quant.err()).isZero();
    assertThat(quant.out())
        .contains("b.weight: c.safetensors has no layer \"b\"; it is quantized without them")
        .doesNotContain("a.weight: ");
    assertThat(quantize(at("n"))).isZero();
    assertThat(at("q")).exists();
    assertThat(Files.readAllBytes(at("q"))).isNotEqualTo(Files.readAllBytes(at("n")));
    assertThat(quant.run("inspect", at("q"), "--json")).isZero();
    assertThat(quant.out()).contains("monoquant.calibration");
  }

  @Test
  void theSameBytesForAnyThreadsAndMemory() throws IOException {
    Path calibration = calibration("c", "a", 1);
    Object[] options = {"--option", "method=gptq", "--calibration", calibration, "--threads", "1"};
    assertThat(quantize(at("one"), options)).as(quant.err()).isZero();
    options[5] = "3";
    assertThat(quantize(at("three"), options)).isZero();
    assertThat(at("three")).hasSameBinaryContentAs(at("one"));
  }

  @Test
  void aMatrixWithoutFactorsIsSaid() throws IOException {
    Path calibration = calibration("c", "a", Float.NaN);
    int code = quantize(at("q"), "--option", "method=gptq", "--calibration", calibration);
    assertThat(code).as(quant.err()).isZero();
    assertThat(quant.out().replaceAll("\\s+", " "))
        .contains("a.weight: it was rounded to nearest instead of by gptq")
        .contains("its diagonal has NaN for column 0");
  }

  @Test
  void gptqWithoutACalibrationIsRefused() {
    assertThat(quantize(at("q"), "--option", "method=gptq")).isEqualTo(3);
    assertThat(quant.err() + quant.out())
        .contains("scheme int4@1 needs a calibration: Gram matrix of its inputs");
    assertThat(at("q")).doesNotExist();
    assertThat(quantize(at("q"), "--calibration", dir.resolve("absent"))).isEqualTo(2);
    assertThat(quant.err()).contains("there is no such file that can be read");
    assertThat(quantize(at("q"), "--calibration", model)).isEqualTo(3);
    assertThat(quant.err()).contains("it holds no statistics of inputs");
  }
}
