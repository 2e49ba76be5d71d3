package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.tile.Granularity;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Experts in one tensor of rank 3, written as the matrices that loaders expect. */
class JoinedExpertsTest {

  private static final int EXPERTS = 3;
  private static final int HIDDEN = 32;
  private static final int INSIDE = 64;

  @TempDir Path folder;

  private final Quantizer quantizer = Quantizer.create().withSync(false);

  /** A tensor in a file: its shape and numbers. */
  private static final class Floats {
    private final int[] shape;
    private final float[] values;

    Floats(int[] shape, float[] values) {
      this.shape = shape;
      this.values = values;
    }
  }

  /** The number at a place of a projection, all of them different: 0 gate, 1 up, 2 down. */
  private static float number(int expert, int projection, int row, int column) {
    return (float) Math.sin(1 + ((expert * 3 + projection) * 64 + row) * 64 + column);
  }

  private static float[] matrix(int expert, int projection) {
    int rows = projection == 2 ? HIDDEN : INSIDE;
    int columns = projection == 2 ? INSIDE : HIDDEN;
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = number(expert, projection, i / columns, i % columns);
    }
    return values;
  }

  private static Floats gateUp(boolean inputsFirst) {
    float[] values = new float[EXPERTS * 2 * INSIDE * HIDDEN];
    for (int e = 0; e < EXPERTS; e++) {
      for (int r = 0; r < 2 * INSIDE; r++) {
        for (int c = 0; c < HIDDEN; c++) {
          int at = inputsFirst ? c * 2 * INSIDE + r : r * HIDDEN + c;
          values[e * 2 * INSIDE * HIDDEN + at] = number(e, r / INSIDE, r % INSIDE, c);
        }
      }
    }
    int[] shape = {EXPERTS, inputsFirst ? HIDDEN : 2 * INSIDE, inputsFirst ? 2 * INSIDE : HIDDEN};
    return new Floats(shape, values);
  }

  private static Floats down(boolean inputsFirst) {
    float[] values = new float[EXPERTS * INSIDE * HIDDEN];
    for (int e = 0; e < EXPERTS; e++) {
      for (int r = 0; r < HIDDEN; r++) {
        for (int c = 0; c < INSIDE; c++) {
          int at = inputsFirst ? c * HIDDEN + r : r * INSIDE + c;
          values[e * INSIDE * HIDDEN + at] = number(e, 2, r, c);
        }
      }
    }
    int[] shape = {EXPERTS, inputsFirst ? INSIDE : HIDDEN, inputsFirst ? HIDDEN : INSIDE};
    return new Floats(shape, values);
  }

  private Path write(String name, String modelType, Map<String, Floats> tensors)
      throws IOException {
    StringBuilder header = new StringBuilder("{");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Map.Entry<String, Floats> tensor : tensors.entrySet()) {
      Floats floats = tensor.getValue();
      ByteBuffer bytes =
          ByteBuffer.allocate(floats.values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(floats.values);
      header
          .append(header.length() == 1 ? "" : ",")
          .append(
              "\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                  .formatted(
                      tensor.getKey(),
                      Arrays.toString(floats.shape).replace(" ", ""),
                      data.size(),
                      data.size() + bytes.capacity()));
      data.writeBytes(bytes.array());
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(length.array());
    file.writeBytes(json);
    file.writeBytes(data.toByteArray());
    Path directory = Files.createDirectories(folder.resolve(name));
    Files.write(directory.resolve("model.safetensors"), file.toByteArray());
    Files.writeString(
        directory.resolve("config.json"), "{\"model_type\": \"" + modelType + "\"}\n");
    return directory;
  }

  private static Map<String, Floats> dense() {
    Map<String, Floats> tensors = new LinkedHashMap<>();
    tensors.put(
        "model.layers.0.self_attn.o_proj.weight",
        new Floats(new int[] {INSIDE, HIDDEN}, matrix(0, 0)));
    return tensors;
  }

  private static Map<String, Floats> joined(String block, boolean inputsFirst) {
    Map<String, Floats> tensors = dense();
    tensors.put(block + ".experts.gate_up_proj", gateUp(inputsFirst));
    tensors.put(block + ".experts.down_proj", down(inputsFirst));
    return tensors;
  }

  private static Map<String, Floats> separate(String block, List<String> names) {
    Map<String, Floats> tensors = dense();
    for (int projection = 0; projection < 3; projection++) {
      for (int e = 0; e < EXPERTS; e++) {
        boolean down = projection == 2;
        tensors.put(
            block + ".experts." + e + "." + names.get(projection) + ".weight",
            new Floats(
                new int[] {down ? HIDDEN : INSIDE, down ? INSIDE : HIDDEN}, matrix(e, projection)));
      }
    }
    return tensors;
  }

  private static final QuantizationConfig INT4 =
      QuantizationConfig.builder().scheme("int4").granularity(Granularity.group(32)).build();

  @ParameterizedTest
  @CsvSource({
    "qwen3_moe, model.layers.0.mlp, gate_proj, up_proj, down_proj, false",
    "mixtral, model.layers.0.mlp, w1, w3, w2, false",
    "llama4_text, model.layers.0.feed_forward, gate_proj, up_proj, down_proj, true",
  })
  void areQuantizedAsIfEachLayByItself(
      String modelType, String block, String gate, String up, String down, boolean inputsFirst)
      throws IOException {
    Path one = write("one", modelType, joined(block, inputsFirst));
    Path each = write("each", modelType, separate(block, List.of(gate, up, down)));
    Path out = folder.resolve("out");
    Path expected = folder.resolve("expected");
    Report report = quantizer.quantize(ModelInput.of(one), INT4, out, false);
    quantizer.quantize(ModelInput.of(each), INT4, expected, false);
    Comparison same = quantizer.compare(ModelInput.of(out), ModelInput.of(expected));
    assertThat(same.onlyInA()).isEmpty();
    assertThat(same.onlyInB()).isEmpty();
    assertThat(same.tensors()).hasSize(1 + 3 * EXPERTS).allMatch(t -> t.equal());
    assertThat(report.problems())
        .extracting(Problem::message)
        .anyMatch(m -> m.contains("written as 9 matrices"));
    assertThat(Files.readString(out.resolve("config.json")))
        .isEqualTo(Files.readString(expected.resolve("config.json")));

    assertThat(quantizer.verify(out, Optional.of(ModelInput.of(one))).differences()).isEmpty();
    Comparison withOriginal = quantizer.compare(ModelInput.of(one), ModelInput.of(out));
    assertThat(withOriginal.onlyInA()).isEmpty();
    assertThat(withOriginal.onlyInB()).isEmpty();
    assertThat(withOriginal.tensors()).hasSize(1 + 3 * EXPERTS);
  }

  /** Separate matrices share no bytes with the joined tensors that another output copies. */
  @ParameterizedTest
  @CsvSource({
    "qwen3_moe, model.layers.0.mlp, false",
    "llama4_text, model.layers.0.feed_forward, true"
  })
  void areOneOfSeveralOutputs(String modelType, String block, boolean inputsFirst)
      throws IOException {
    Path one = write("one", modelType, joined(block, inputsFirst));
    QuantizationConfig fp8 = QuantizationConfig.builder().scheme("FP8_DYNAMIC").build();
    List<Output> outputs =
        List.of(
            new Output(folder.resolve("joined.safetensors"), fp8),
            new Output(folder.resolve("int4"), INT4),
            new Output(folder.resolve("fp8"), fp8),
            new Output(folder.resolve("again"), INT4));
    Reports reports = quantizer.quantize(ModelInput.of(one), outputs, false, ignored -> {});
    assertThat(reports.outputs())
        .extracting(Reports.Entry::sharedWeights)
        .as("of experts, only those of one view; the dense one of all")
        .containsExactly(1, 1 + 3 * EXPERTS, 1, 1 + 3 * EXPERTS);
    Path alone = Files.createDirectory(folder.resolve("alone"));
    for (Output output : outputs) {
      Path own = alone.resolve(output.target().getFileName());
      quantizer.quantize(ModelInput.of(one), output.config(), own, false);
      assertThat(ResumeTest.contents(output.target())).isEqualTo(ResumeTest.contents(own));
    }
  }

  @Test
  void stayInFloatNamedAndIgnoredWhereLoadersTakeThemInNoOtherWay() throws IOException {
    Path one = write("one", "gpt_oss", joined("model.layers.0.mlp", true));
    Path out = folder.resolve("out");
    Report report = quantizer.quantize(ModelInput.of(one), INT4, out, false);
    assertThat(report.problems())
        .filteredOn(p -> p.severity() == Problem.Severity.WARNING)
        .extracting(Problem::message)
        .anyMatch(
            m ->
                m.startsWith("experts stay in float, ")
                    && m.contains("model.layers.0.mlp.experts.gate_up_proj")
                    && m.contains("gpt_oss"));
    assertThat(Files.readString(out.resolve("config.json")))
        .contains("\"re:(.*\\\\.)?\\\\d+\\\\.mlp\\\\.experts\\\\..*\"");
    assertThat(quantizer.verify(out, Optional.of(ModelInput.of(one))).differences()).isEmpty();
  }

  @Test
  void ofLlama4InOtherShapesAreRefused() throws IOException {
    Path one = write("one", "llama4", joined("model.layers.0.feed_forward", false));
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> quantizer.quantize(ModelInput.of(one), INT4, out, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("do not have the shapes of Llama 4");
    assertThat(out).doesNotExist();
  }

  @Test
  void areKeptTogetherInOtherOutputs() throws IOException {
    Path one = write("one", "llama4", joined("model.layers.0.feed_forward", true));
    Path out = folder.resolve("out.safetensors");
    Report report = quantizer.quantize(ModelInput.of(one), INT4, out, false);
    assertThat(report.plan().kept())
        .extracting(k -> k.tensor().name())
        .contains("model.layers.0.feed_forward.experts.gate_up_proj");
  }
}
