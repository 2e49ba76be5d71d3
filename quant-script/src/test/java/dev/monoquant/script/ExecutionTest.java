package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Archives of torch 2.13 are rewritten and run beside their originals. */
class ExecutionTest {

  private static final double WEIGHTS_ALONE = 0.03;

  static Stream<Arguments> all() {
    return Stream.of(Fixtures.values())
        .flatMap(
            f ->
                Stream.of(Kernels.values())
                    .flatMap(k -> Stream.of(Mode.values()).map(m -> Arguments.of(f, m, k))));
  }

  @ParameterizedTest
  @MethodSource("all")
  void givesTheOutputOfTheOriginal(Fixtures fixture, Mode mode, Kernels kernels) throws Exception {
    Quantized quantized = fixture.quantized(PlainScheme.INT8, mode, kernels);
    assertThat(quantized.weights()).isNotEmpty();
    double error = error(fixture, quantized.rewrite());
    double bound = mode == Mode.WEIGHT_ONLY ? WEIGHTS_ALONE : fixture.tolerance();
    assertThat(error).isGreaterThan(0).isLessThan(bound);
  }

  private static final Map<Fixtures, float[]> OUTPUTS = new EnumMap<>(Fixtures.class);

  /** What the archive itself gives for the input of seed 1. */
  private static float[] original(Fixtures fixture) throws Exception {
    float[] known = OUTPUTS.get(fixture);
    if (known == null) {
      known = fixture.output();
      OUTPUTS.put(fixture, known);
    }
    return known;
  }

  private static double error(Fixtures fixture, ScriptArchive rewritten) throws Exception {
    try (Torch changed = Torch.load(rewritten)) {
      return Torch.error(original(fixture), changed.run(fixture.input(), 1));
    }
  }

  static Stream<Arguments> schemes() {
    return Stream.of(Fixtures.TIED_SCRIPTED, Fixtures.CONV2D_TRACED, Fixtures.HALF_TRACED)
        .flatMap(f -> Stream.of(PlainScheme.values()).map(s -> Arguments.of(f, s)));
  }

  /** What a kernel makes of a scheme's codes differs from the decoded weights by rounding alone. */
  @ParameterizedTest
  @MethodSource("schemes")
  void executesEveryScheme(Fixtures fixture, PlainScheme scheme) throws Exception {
    try (Torch decoded = Torch.load(fixture.quantized(scheme, Mode.WEIGHT_ONLY).rewrite())) {
      float[] expected = decoded.run(fixture.input(), 1);
      double coarse = scheme.coarseness();
      assertThat(Torch.error(original(fixture), expected))
          .isLessThan(Math.max(WEIGHTS_ALONE, 3 * coarse));
      for (Mode mode : List.of(Mode.DYNAMIC, Mode.DYNAMIC_ROW, Mode.DYNAMIC_ROW_ASYMMETRIC)) {
        try (Torch kernel = Torch.load(fixture.quantized(scheme, mode).rewrite())) {
          assertThat(Torch.error(expected, kernel.run(fixture.input(), 1)))
              .as(mode.wire())
              .isLessThan(fixture.tolerance());
        }
      }
    }
  }

  /** The codes of 8 bits go to the kernel as they are where that does not saturate. */
  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      names = {"TIED_SCRIPTED", "CONV2D_SCRIPTED", "GPT2_TRACED"})
  void probesForSaturation(Fixtures fixture) throws Exception {
    for (PlainScheme scheme : List.of(PlainScheme.INT6_TENSOR, PlainScheme.INT8)) {
      ScriptArchive archive = fixture.quantized(scheme, Mode.DYNAMIC).rewrite();
      String library = archive.program().code().get("__torch__/monoquant.py");
      assertThat(library).contains("< 2072576.", "< 9000000.");
      ScriptArchive always =
          archive.withCode(
              "__torch__/monoquant.py",
              library.replace("< 2072576.", "< 99000000.").replace("< 9000000.", "< 99000000."));
      assertThat(error(fixture, archive))
          .isLessThan(fixture.tolerance() + 0.1 * scheme.coarseness() * 8);
      assertThat(error(fixture, always))
          .isLessThan(fixture.tolerance() + 0.1 * scheme.coarseness() * 8);
    }
  }

  /** PyTorch is going to remove tensors that are quantized themselves. */
  @ParameterizedTest
  @EnumSource(Mode.class)
  void whatLastsHasNoQuantizedTensors(Mode mode) throws Exception {
    List<String> removed =
        List.of("torch.quantize_per", "_quantized_tensor", "PackedParams", "torch.int_repr");
    for (Fixtures fixture : List.of(Fixtures.BERT_TRACED, Fixtures.CONV2D_FROZEN)) {
      for (Kernels kernels : Kernels.values()) {
        String code =
            fixture
                .quantized(PlainScheme.INT8, mode, kernels)
                .rewrite()
                .program()
                .code()
                .values()
                .stream()
                .flatMap(String::lines)
                .filter(line -> !line.startsWith("#"))
                .collect(Collectors.joining("\n"));
        boolean found = removed.stream().anyMatch(code::contains);
        assertThat(found).isEqualTo(kernels == Kernels.FASTEST);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Fixtures.class)
  void isSmaller(Fixtures fixture) throws Exception {
    Quantized quantized = fixture.quantized(PlainScheme.INT4, Mode.DYNAMIC);
    long weights = quantized.weights().stream().mapToLong(w -> w.matrix().tensor().bytes()).sum();
    long saved = fixture.archive().size() - quantized.rewrite().size();
    // The library and the objects of the holders are what a model of no size pays for.
    assertThat(saved).isGreaterThan(weights / 4 - 16_384 - 1024L * quantized.weights().size());
  }

  static Stream<Arguments> kernels() {
    return Stream.of(Fixtures.TIED_SCRIPTED, Fixtures.CONV2D_SCRIPTED)
        .flatMap(f -> Stream.of(Mode.values()).map(m -> Arguments.of(f, m)));
  }

  /** One loaded model, called by four threads at once, gives each the bits that one alone gets. */
  @ParameterizedTest
  @MethodSource("kernels")
  void givesManyThreadsTheBitsOfOne(Fixtures fixture, Mode mode) throws Exception {
    int inputs = 5;
    try (Torch model = Torch.load(fixture.quantized(PlainScheme.INT8, mode).rewrite())) {
      List<float[]> expected = new ArrayList<>();
      for (int seed = 0; seed < inputs; seed++) {
        expected.add(model.run(fixture.input(), seed));
      }
      ExecutorService pool = Executors.newFixedThreadPool(4);
      try {
        List<Future<float[]>> runs = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
          int seed = i % inputs;
          runs.add(pool.submit(() -> model.run(fixture.input(), seed)));
        }
        for (int i = 0; i < runs.size(); i++) {
          assertThat(runs.get(i).get()).isEqualTo(expected.get(i % inputs));
        }
      } finally {
        pool.shutdown();
      }
    }
  }
}
