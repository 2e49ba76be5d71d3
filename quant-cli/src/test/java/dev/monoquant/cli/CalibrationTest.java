package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.spi.ReadLimits;
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

  private static final String UP = "model.layers.0.mlp.up_proj";
  private static final String DOWN = "model.layers.0.mlp.down_proj";

  /** Inputs from -3 to 4 of the layers. */
  private Path ranges(String... names) throws IOException {
    StringBuilder json = new StringBuilder("{");
    ByteBuffer data = ByteBuffer.allocate(names.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (String name : names) {
      for (String kind : new String[] {"xmin", "xmax"}) {
        json.append(json.length() == 1 ? "" : ",")
            .append(
                String.format(
                    "\"%s.%s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[%d,%d]}",
                    name, kind, data.position(), data.position() + 4));
        data.putFloat(kind.equals("xmin") ? -3 : 4);
      }
    }
    byte[] header = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + data.capacity()).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header).put(data.array());
    return Files.write(at("ranges"), file.array());
  }

  private float scale(Path directory, String name) throws IOException {
    Path file = directory.resolve("model.safetensors");
    try (SafetensorsFile open = SafetensorsFile.open(file, "out", ReadLimits.DEFAULT)) {
      StoredTensor tensor = open.find(UP + "." + name).orElseThrow();
      assertThat(tensor.shape().elements()).isEqualTo(1);
      return open.read(tensor, 0, Float.BYTES).getFloat();
    }
  }

  @Test
  void staticActivationsGetScalesOfTheRanges() throws IOException {
    Path llm = Models.llm(dir.resolve("llm"));
    Path ranges = ranges(UP, DOWN);
    Path recipe =
        Files.writeString(
            dir.resolve("static.yaml"),
            "config_groups: {group_0: {targets: [Linear], weights: {num_bits: 8, strategy: channel},"
                + " input_activations: {num_bits: 8, type: int, strategy: tensor,"
                + " dynamic: false}}}\n");
    Object[][] runs = {
      {"input_scale", 4 / 448f, "--scheme", "FP8"},
      {"input_global_scale", 2688 / 4f, "--scheme", "NVFP4"},
      {"input_scale", 4 / 127.5f, "--config", recipe},
    };
    for (Object[] run : runs) {
      Path out = dir.resolve("out");
      int code =
          quant.run(
              "quantize",
              llm,
              "-o",
              out,
              run[2],
              run[3],
              "--calibration",
              ranges,
              "--force",
              "--exclude",
              "lm_head",
              "--exclude",
              "model.router");
      assertThat(code).as(quant.err()).isZero();
      assertThat(scale(out, (String) run[0])).isEqualTo((float) run[1]);
      String manifest = Files.readString(out.resolve("monoquant-manifest.json"));
      assertThat(manifest).contains("calibration");
    }
  }

  @Test
  void aLayerWithoutARangeStaysInFloatAndIsNamed() throws IOException {
    Path llm = Models.llm(dir.resolve("llm"));
    int code =
        quant.run(
            "quantize",
            llm,
            "-o",
            dir.resolve("out"),
            "--scheme",
            "FP8",
            "--calibration",
            ranges(UP),
            "--table");
    assertThat(code).as(quant.err()).isZero();
    assertThat(quant.out())
        .contains(
            "scales of their own (static or local), and there are none: "
                + "model.layers.0.mlp.down_proj.weight");
  }

  @Test
  void outputsAreMeasuredAndGated() throws IOException {
    Path calibration = calibration("c", "a", 1);
    Object[] nearest = {"--calibration", calibration, "--json", "--exclude", "b"};
    assertThat(quantize(at("n"), nearest)).as(quant.err()).isZero();
    double plain = outputSqnr(quant.out());
    Object[] gptq = {
      "--calibration", calibration, "--json", "--exclude", "b", "--option", "method=gptq"
    };
    assertThat(quantize(at("q"), gptq)).as(quant.err()).isZero();
    assertThat(outputSqnr(quant.out())).isGreaterThan(plain + 3);

    Object[] gated = {"--calibration", calibration, "--min-output-sqnr", plain + 1};
    assertThat(quantize(at("g"), gated)).isEqualTo(4);
    assertThat(quant.err()).contains("the outputs by a.weight have an SQNR of");
    assertThat(quant.out()).contains("outputs of 1 layer, calibrated: SQNR ");
    assertThat(at("g")).doesNotExist();
    assertThat(quantize(at("t"), "--calibration", calibration, "--table")).isZero();
    assertThat(quant.out()).contains("outputs dB").containsPattern("b\\.weight .* -\n");
    assertThat(quantize(at("g"), "--min-output-sqnr", 1)).isEqualTo(4);
    assertThat(quant.err()).contains("no outputs of layers were measured");
  }

  /** As --calibration, and found beside the recipe. */
  @Test
  void aRecipeNamesTheCalibration() throws IOException {
    Path calibration = calibration("c", "a", 1);
    assertThat(quantize(at("q"), "--option", "method=gptq", "--calibration", calibration)).isZero();
    Path recipe =
        Files.writeString(
            dir.resolve("r.yaml"),
            "weights: {options: {method: gptq}}\ncalibration: c.safetensors\n");
    assertThat(quantize(at("r"), "--config", recipe)).as(quant.err()).isZero();
    assertThat(at("r")).hasSameBinaryContentAs(at("q"));

    Path other = calibration("d", "b", 1);
    assertThat(quantize(at("o"), "--config", recipe, "--calibration", other)).isZero();
    assertThat(quant.out()).contains("a.weight: d.safetensors has no layer \"a\"");

    Files.delete(calibration);
    assertThat(quantize(at("n"), "--config", recipe)).isEqualTo(2);
    assertThat(quant.err()).contains("c.safetensors", "there is no such file that can be read");
    Files.writeString(recipe, "calibration: [c.safetensors]\n");
    assertThat(quantize(at("n"), "--config", recipe)).isEqualTo(2);
    assertThat(quant.err()).contains("r.yaml:1: calibration is a list; it must be text");
  }

  @Test
  void outputsHaveOneCalibration() throws IOException {
    calibration("c", "a", 1);
    Path recipe = Files.writeString(dir.resolve("r.yaml"), "calibration: c.safetensors\n");
    Object[] two = {"--config", recipe, "-o", at("p")};
    assertThat(quantize(at("q"), two)).isEqualTo(2);
    assertThat(quant.err())
        .contains("the recipe of", "has the calibration", "and the run has none");
    Object[] same = {"--calibration", at("c"), "--config", recipe, "-o", at("p")};
    assertThat(quantize(at("q"), same)).as(quant.err()).isZero();
    assertThat(at("p")).exists();
    Object[] split = {"--split", "2", "--plan", dir.resolve("plan.json"), "--config", recipe};
    Object[] plan = new Object[split.length + 4];
    System.arraycopy(new Object[] {"plan", model, "-o", at("s")}, 0, plan, 0, 4);
    System.arraycopy(split, 0, plan, 4, split.length);
    assertThat(quant.run(plan)).isEqualTo(2);
    assertThat(quant.err()).contains("which a plan of units does not hold");
  }

  private static double outputSqnr(String json) {
    return JsonParser.parseString(json)
        .getAsJsonObject()
        .getAsJsonArray("weights")
        .get(0)
        .getAsJsonObject()
        .get("output_sqnr_db")
        .getAsDouble();
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
