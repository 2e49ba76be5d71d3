package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.Quantizer;
import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufLayout;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.MeasuredInputs;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Mixes of GGUF types: the bytes of all tensors are those that llama.cpp's quantizer makes (release
 * v0.5.0 of npm's package), as hashes: {@code MODEL MIX plain|calibrated SHA-256}.
 */
class GgufMixTest {

  @TempDir private Path folder;

  /** A model of numbers that anyone can make. */
  private enum Model {
    DENSE(3, 4, 4, 0, true),
    MIXTURE(2, 8, 2, 4, false),
    /** Matrices for heads, and a mixture of one expert. */
    HEADS(1, 4, 4, 0, false);

    private static final int WIDTH = 256;

    private final int blocks;
    private final int heads;
    private final int keyHeads;
    private final int experts;
    private final boolean output;

    Model(int blocks, int heads, int keyHeads, int experts, boolean output) {
      this.blocks = blocks;
      this.heads = heads;
      this.keyHeads = keyHeads;
      this.experts = experts;
      this.output = output;
    }

    /** The tensors in the order that the numbers are made in. */
    private List<GgufTensor> tensors() {
      List<GgufTensor> all = new ArrayList<>();
      add(all, "token_embd", GgmlType.BF16, 32, WIDTH);
      add(all, "output_norm", GgmlType.F32, WIDTH);
      if (output) {
        add(all, "output", GgmlType.BF16, 32, WIDTH);
      }
      for (int i = 0; i < blocks; i++) {
        String block = "blk." + i + ".";
        int keys = WIDTH * keyHeads / heads;
        add(all, block + "attn_norm", GgmlType.F32, WIDTH);
        if (this == HEADS) {
          add(all, block + "attn_q", GgmlType.BF16, 32, WIDTH);
          add(all, block + "attn_k_b", GgmlType.BF16, heads, 32, WIDTH);
          add(all, block + "attn_v_b", GgmlType.BF16, heads, 32, WIDTH);
          add(all, block + "ffn_up_exps", GgmlType.BF16, 1, 32, WIDTH);
          continue;
        }
        add(all, block + "attn_q", GgmlType.BF16, WIDTH, WIDTH);
        add(all, block + "attn_k", GgmlType.BF16, keys, WIDTH);
        add(all, block + "attn_v", GgmlType.BF16, keys, WIDTH);
        add(all, block + "attn_output", GgmlType.BF16, WIDTH, WIDTH);
        if (experts > 0) {
          add(all, block + "ffn_gate_inp", GgmlType.F32, experts, WIDTH);
        }
        for (String layer : List.of("ffn_gate", "ffn_up", "ffn_down")) {
          if (experts > 0) {
            add(all, block + layer + "_exps", GgmlType.BF16, experts, WIDTH, WIDTH);
          } else {
            add(all, block + layer, GgmlType.BF16, WIDTH, WIDTH);
          }
        }
      }
      return all;
    }

    private static void add(List<GgufTensor> all, String layer, GgmlType type, long... dims) {
      TensorShape shape = TensorShape.of(dims);
      all.add(new GgufTensor(layer + ".weight", type, shape, 0, shape.elements() * type.bytes()));
    }

    private static byte[] data(int index, GgufTensor tensor) {
      float[] numbers = new float[(int) tensor.shape().elements()];
      for (int i = 0; i < numbers.length; i++) {
        long word = (i * 2654435761L + index * 40503L) & 0xffffffffL;
        float number = (float) ((word * 0x1p-31 - 1) * 0.05);
        // The upper half of the bits: a number of 16 bits as it is.
        numbers[i] =
            tensor.type() == GgmlType.F32
                ? number
                : Float.intBitsToFloat(Float.floatToRawIntBits(number) & 0xffff0000);
      }
      ElementType type = tensor.type().plain().orElseThrow();
      byte[] bytes = new byte[numbers.length * type.cellBytes()];
      FloatBytes.narrow(type, numbers, 0, numbers.length, bytes, 0);
      return bytes;
    }

    Path write(Path folder) throws IOException {
      Path path = folder.resolve("model.gguf");
      if (Files.exists(path)) {
        return path;
      }
      List<GgufTensor> tensors = tensors();
      GgufLayout layout =
          new GgufLayout(
              tensors,
              List.of(
                  Value.of("general.architecture", "llama"),
                  Value.of("llama.block_count", blocks),
                  Value.of("llama.attention.head_count", heads),
                  Value.of("llama.attention.head_count_kv", keyHeads),
                  Value.of("llama.expert_count", experts)),
              32);
      Files.write(path, layout.headerBytes());
      List<String> names = tensors.stream().map(GgufTensor::name).toList();
      for (GgufTensor placed : layout.tensors()) {
        int index = names.indexOf(placed.name());
        Files.write(path, data(index, tensors.get(index)), StandardOpenOption.APPEND);
      }
      return path;
    }

    MeasuredInputs calibration() {
      List<InputStatistics> all = new ArrayList<>();
      for (GgufTensor tensor : tensors()) {
        String layer = tensor.name().substring(0, tensor.name().length() - ".weight".length());
        if (!layer.startsWith("blk.") || tensor.type() == GgmlType.F32) {
          continue;
        }
        if (tensor.shape().rank() == 2) {
          all.add(InputStatistics.of(layer).withMeanSquares(squares(0)));
          continue;
        }
        for (int expert = 0; expert < tensor.shape().dim(0); expert++) {
          all.add(InputStatistics.of(layer + "." + expert).withMeanSquares(squares(expert)));
        }
      }
      return MeasuredInputs.of(all.toArray(InputStatistics[]::new));
    }

    private static float[] squares(int more) {
      float[] squares = new float[WIDTH];
      for (int c = 0; c < WIDTH; c++) {
        squares[c] = (1 + c % 7) * 0.25f + more;
      }
      return squares;
    }
  }

  static Stream<String> lines() {
    try (InputStream in = GgufMixTest.class.getResourceAsStream("/gguf/mixed.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static GgufFile open(Path path) throws IOException {
    return GgufFile.open(path, path.toString(), ReadLimits.DEFAULT);
  }

  private Path quantize(Path input, QuantizationConfig config, Optional<MeasuredInputs> inputs) {
    Path target = folder.resolve("mixed.gguf");
    Quantizer quantizer = Quantizer.create().withSync(false);
    inputs
        .map(quantizer::withCalibration)
        .orElse(quantizer)
        .quantize(ModelInput.of(input), config, target, true);
    return target;
  }

  private static QuantizationConfig config(String mix) {
    return QuantizationConfig.builder().scheme(mix).build();
  }

  @ParameterizedTest
  @MethodSource("lines")
  void sameBytesAsLlamaQuantize(String line) throws IOException, NoSuchAlgorithmException {
    String[] words = line.split(" ", 4);
    Model model = Model.valueOf(words[0].toUpperCase(Locale.ROOT));
    Optional<MeasuredInputs> inputs =
        words[2].equals("calibrated") ? Optional.of(model.calibration()) : Optional.empty();
    Path target = quantize(model.write(folder), config(words[1]), inputs);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (GgufFile file = open(target)) {
      for (GgufTensor tensor : file.tensors()) {
        String head = tensor.name() + " " + tensor.type() + "\n";
        digest.update(head.getBytes(StandardCharsets.UTF_8));
        ByteBuffer data = file.read(tensor, 0, (int) tensor.bytes());
        digest.update(data);
      }
    }
    assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(words[3]);
  }

  @Test
  void metadataNamesTheMixAndARuleOverridesIt() throws IOException {
    QuantizationConfig config =
        QuantizationConfig.builder()
            .scheme("Q4_K_M")
            .rule(Rule.adjust("blk.0.attn_q", WeightSettings.OPEN.withScheme("ggml/q8-0")))
            .build();
    Path target = quantize(Model.DENSE.write(folder), config, Optional.empty());
    try (GgufFile file = open(target)) {
      assertThat(file.metadata().get("general.file_type").text()).isEqualTo("15");
      assertThat(file.metadata().get("general.quantization_version").text()).isEqualTo("2");
      assertThat(file.tensors())
          .filteredOn(t -> t.name().equals("blk.0.attn_q.weight"))
          .extracting(GgufTensor::type)
          .containsExactly(GgmlType.Q8_0);
      assertThat(file.tensors())
          .filteredOn(t -> t.name().equals("output.weight"))
          .extracting(GgufTensor::type)
          .containsExactly(GgmlType.Q6_K);
    }
    assertThat(Quantizer.create().verify(target, Optional.empty()).differences()).isEmpty();
  }

  /** The file has one type for all experts of a layer. */
  @Test
  void someExpertsOfALayerAreRefused() throws IOException {
    Path input = Model.MIXTURE.write(folder);
    QuantizationConfig config =
        QuantizationConfig.builder()
            .scheme("Q4_K_M")
            .rule(Rule.adjust("blk.0.ffn_up_exps.1", WeightSettings.OPEN.withScheme("ggml/q8-0")))
            .build();
    assertThatThrownBy(() -> quantize(input, config, Optional.empty()))
        .hasMessageContaining("blk.0.ffn_up_exps");
    QuantizationConfig partial =
        QuantizationConfig.builder()
            .scheme("Q4_K_M")
            .exclude("blk.0.ffn_up_exps.1")
            .allowPartialFamilies(true)
            .build();
    assertThatThrownBy(() -> quantize(input, partial, Optional.empty()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("experts of \"blk.0.ffn_up_exps.weight\" are")
        .hasMessageContaining("one type for all");
  }

  @Test
  void theSmallestMixNeedsACalibration() throws IOException {
    Path input = Model.DENSE.write(folder);
    assertThatThrownBy(() -> quantize(input, config("Q2_K_S"), Optional.empty()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("Q2_K_S")
        .hasMessageContaining("--calibration");
  }

  /** The layers of such a file name its weights, which are no tensors of it. */
  @ParameterizedTest
  @ValueSource(strings = {"Q4_K_M", "ggml/q4-k"})
  void aQuantizedModelIsRefusedAsSuch(String scheme) throws IOException {
    for (Model model : List.of(Model.DENSE, Model.MIXTURE)) {
      Path quantized = folder.resolve(model + ".gguf");
      Files.deleteIfExists(folder.resolve("model.gguf"));
      Quantizer.create()
          .withSync(false)
          .quantize(ModelInput.of(model.write(folder)), config("Q8_0"), quantized, true);
      assertThatThrownBy(() -> quantize(quantized, config(scheme), Optional.empty()))
          .as(model.name())
          .hasMessageContaining("it is quantized already")
          .hasMessageContaining("--requantize");
    }
  }

  @Test
  void aMixIsForGgufFiles() throws IOException {
    Path input = Model.DENSE.write(folder);
    assertThatThrownBy(
            () ->
                Quantizer.create()
                    .quantize(
                        ModelInput.of(input),
                        config("Q4_K_M"),
                        folder.resolve("x.safetensors"),
                        false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("Q4_K_M")
        .hasMessageContaining(".gguf");
  }
}
