package dev.monoquant.core.reach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PlanException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.MeasuredInputs;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.fakes.ForwardingScheme;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.testkit.fakes.MemoryWriter;
import dev.monoquant.testkit.watch.Watch;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each shape of scheme runs through the whole pipeline, to the same bytes however it is cut. */
class EndToEndTest {

  private static final Path TARGET = Path.of("reach.memory");
  private static final int ROWS = 300;
  private static final int COLS = 512;
  private static final float[] WEIGHT = weight();
  private static final MemoryModel MODEL =
      MemoryModel.named("reach-model")
          .floats("fc.weight", ElementType.FLOAT32, TensorShape.of(ROWS, COLS), WEIGHT)
          .layer(
              new Layer(
                  "fc",
                  LayerKind.LINEAR,
                  Layer.Evidence.DECLARED,
                  Map.of(
                      "weight",
                      new TensorInfo(
                          "fc.weight", ElementType.FLOAT32, TensorShape.of(ROWS, COLS)))))
          .build();

  private static float[] weight() {
    SplittableRandom random = new SplittableRandom(5);
    float[] weight = new float[ROWS * COLS];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) (0.05 * random.nextGaussian());
    }
    return weight;
  }

  private static float[] activations() {
    float[] activations = new float[COLS];
    for (int c = 0; c < COLS; c++) {
      activations[c] = c % 37 == 0 ? 30 : 0.5f + c % 3;
    }
    return activations;
  }

  /** The whole matrix of a linear layer. */
  private static final class Linear implements LayerQuantizer {
    @Override
    public String id() {
      return "acme/linear";
    }

    @Override
    public List<WeightMatrix> weights(Layer layer) {
      return layer.tensor("weight").stream()
          .map(tensor -> new WeightMatrix(layer.name(), layer.kind(), "weight", tensor, 0))
          .toList();
    }
  }

  private static Quantizer quantizer(OutputFormat output, Scheme scheme) {
    return Quantizer.create()
        .withPlugins(Plugins.of(new MemoryFormat(MODEL), output, new Linear(), scheme))
        .withCalibration(squares("fc", activations()));
  }

  private static MeasuredInputs squares(String layer, float[] magnitudes) {
    float[] squares = new float[magnitudes.length];
    for (int c = 0; c < squares.length; c++) {
      squares[c] = magnitudes[c] * magnitudes[c];
    }
    return MeasuredInputs.of(InputStatistics.of(layer).withMeanSquares(squares));
  }

  private static QuantizationConfig config(Scheme scheme) {
    return QuantizationConfig.builder().scheme(scheme.id().name()).build();
  }

  /** Each scheme, with a signal-to-noise ratio (dB) that only sound codes reach. */
  static Stream<Arguments> schemes() {
    return Stream.of(
        Arguments.of(new TensorRange(), 35),
        Arguments.of(new Blocks(), 37),
        Arguments.of(new SuperBlocks(), 19),
        Arguments.of(new TwoLevels(), 19),
        Arguments.of(new FixedCodebook(), 20),
        Arguments.of(new LearnedCodebook(), 17),
        Arguments.of(new RowCodebook(), 11),
        Arguments.of(new HalfQuadratic(), 20),
        Arguments.of(new ActivationAware(), 10),
        Arguments.of(new Nested(), 38));
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void runsFromEndToEnd(Scheme scheme, double leastSqnr) {
    Map<String, byte[]> first = Map.of();
    for (int elements : new int[] {COLS, 100 * COLS, ROWS * COLS}) {
      MemoryOutput output = new MemoryOutput();
      Watch watch = new Watch();
      Report report =
          quantizer(watch.output(output), watch.scheme(scheme))
              .withThreads(2)
              .withTileElements(elements)
              .quantize(MODEL.input(), config(scheme), TARGET, false);
      assertThat(report.total().elements()).isEqualTo((long) ROWS * COLS);
      assertThat(report.total().sqnrDb()).isGreaterThan(leastSqnr);
      Map<String, byte[]> contents = output.result(TARGET).contents();
      assertThat(output.breaches()).isEmpty();
      watch.requireQuiet();
      if (!first.isEmpty()) {
        assertThat(contents.keySet()).isEqualTo(first.keySet());
        first.forEach((name, bytes) -> assertThat(contents.get(name)).as(name).isEqualTo(bytes));
      }
      first = contents;
    }
  }

  /** Counts the quantizers that something still refers to whenever another one is begun. */
  private static final class Counted extends ForwardingScheme {

    private final List<WeakReference<TileQuantizer>> begun = new ArrayList<>();
    private final List<Long> reachable = new ArrayList<>();

    Counted(Scheme inside) {
      super(inside);
    }

    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      for (int i = 0; i < 10 && reachable() > 0; i++) {
        System.gc();
      }
      reachable.add(reachable());
      TileQuantizer inside = super.begin(rows, options, facts, compute);
      TileQuantizer own = tile -> inside.quantize(tile);
      begun.add(new WeakReference<>(own));
      return own;
    }

    private long reachable() {
      return begun.stream().filter(one -> one.get() != null).count();
    }
  }

  @Test
  void theQuantizerOfAWeightIsNotKeptWhenItsTilesAreDone() {
    MemoryModel.Builder model = MemoryModel.named("three");
    for (String name : List.of("a", "b", "c")) {
      TensorShape shape = TensorShape.of(ROWS, COLS);
      TensorInfo tensor = new TensorInfo(name + ".weight", ElementType.FLOAT32, shape);
      model.floats(tensor.name(), ElementType.FLOAT32, shape, WEIGHT);
      model.layer(
          new Layer(name, LayerKind.LINEAR, Layer.Evidence.DECLARED, Map.of("weight", tensor)));
    }
    MemoryModel three = model.build();
    Counted scheme = new Counted(new Blocks());
    Quantizer.create()
        .withPlugins(Plugins.of(new MemoryFormat(three), new MemoryOutput(), new Linear(), scheme))
        .withThreads(1)
        .withTileElements(128 * COLS)
        .quantize(three.input(), config(scheme), TARGET, false);
    assertThat(scheme.reachable).containsExactly(0L, 0L, 0L);
  }

  @Test
  void theSmallOfTwoWidthsIsAWeightOfItsOwn() {
    MemoryOutput output = new MemoryOutput();
    Scheme scheme = new Nested();
    quantizer(output, scheme).quantize(MODEL.input(), config(scheme), TARGET, false);
    MemoryWriter result = output.result(TARGET);
    EncodedWeight weight = result.announced().weights().get(0);
    EncodedTile tile = result.tile(weight);
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < WEIGHT.length; i++) {
      double error = WEIGHT[i] - Nested.coarse(tile, COLS, i / COLS, i % COLS);
      signal += WEIGHT[i] * (double) WEIGHT[i];
      noise += error * error;
    }
    assertThat(10 * Math.log10(signal / noise)).isBetween(15.0, 20.0);
  }

  @Test
  void columnsThatMatterGetFinerSteps() {
    double aware = weightedNoise(new ActivationAware(), QuantizationConfig.builder());
    double blind =
        weightedNoise(new ActivationAware(), QuantizationConfig.builder().option("alpha", "0"));
    assertThat(aware).isLessThan(0.9 * blind);
  }

  /** The noise of the layer's output, if columns met the activations that were measured. */
  private static double weightedNoise(Scheme scheme, QuantizationConfig.Builder config) {
    MemoryOutput output = new MemoryOutput();
    quantizer(output, scheme)
        .quantize(MODEL.input(), config.scheme(scheme.id().name()).build(), TARGET, false);
    MemoryWriter result = output.result(TARGET);
    EncodedWeight weight = result.announced().weights().get(0);
    float[] decoded = new float[WEIGHT.length];
    scheme.decoderOf(weight).decode(result.tile(weight), decoded);
    float[] activations = activations();
    double noise = 0;
    for (int i = 0; i < WEIGHT.length; i++) {
      double error = (WEIGHT[i] - (double) decoded[i]) * activations[i % COLS];
      noise += error * error;
    }
    return noise;
  }

  @Test
  void theExtremesAreLevelsOfALearnedCodebook() {
    Scheme scheme = new LearnedCodebook();
    MemoryOutput output = new MemoryOutput();
    quantizer(output, scheme).quantize(MODEL.input(), config(scheme), TARGET, false);
    byte[] codebook = output.result(TARGET).contents().get("fc.weight/codebook");
    float[] levels = ReachScheme.floats(codebook);
    float[] sorted = WEIGHT.clone();
    Arrays.sort(sorted);
    assertThat(levels[0]).isEqualTo(sorted[0]);
    assertThat(levels[15]).isEqualTo(sorted[sorted.length - 1]);
  }

  @Test
  void theOutputTellsWhichStatisticsItWasMadeWith() {
    Optional<String> first = statistics(new ActivationAware(), activations());
    float[] others = activations();
    others[511] = Math.nextUp(others[511]);
    assertThat(first.orElseThrow()).hasSize(64);
    assertThat(statistics(new ActivationAware(), activations())).isEqualTo(first);
    Optional<String> other = statistics(new ActivationAware(), others);
    assertThat(other.orElseThrow()).hasSize(64);
    assertThat(other).isNotEqualTo(first);
    assertThat(statistics(new TensorRange(), activations())).isEmpty();
  }

  private static Optional<String> statistics(Scheme scheme, float[] columns) {
    MemoryOutput output = new MemoryOutput();
    quantizer(output, scheme)
        .withCalibration(squares("fc", columns))
        .quantize(MODEL.input(), config(scheme), TARGET, false);
    return output.result(TARGET).announced().provenance().orElseThrow().calibration();
  }

  @Test
  void withoutACalibrationThePlanFails() {
    Scheme scheme = new ActivationAware();
    Quantizer none =
        Quantizer.create()
            .withPlugins(
                Plugins.of(new MemoryFormat(MODEL), new MemoryOutput(), new Linear(), scheme));
    assertThatThrownBy(() -> none.quantize(MODEL.input(), config(scheme), TARGET, false))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("fc.weight")
        .hasMessageContaining("needs a calibration: mean squares of the columns of its inputs");
  }

  @Test
  void whatTheCalibrationLacksIsSaid() {
    assertThat(warnings(squares("fc", activations()))).isEmpty();
    assertThat(warnings(squares("fc", new float[7])))
        .containsExactly(
            "fc.weight: the given calibration has statistics of 7 columns for it, and it"
                + " has 512; it is quantized without them");
    assertThat(warnings(squares("fd", activations())))
        .containsExactly(
            "fc.weight: the given calibration has no layer \"fc\"; it is quantized without"
                + " them",
            "the given calibration: 1 layer of 1 is not in the model: \"fd\". Check that it"
                + " was measured on this model");
    assertThat(warnings(MeasuredInputs.of(InputStatistics.of("fc").withRange(0, 1))))
        .containsExactly(
            "fc.weight: the given calibration has no mean squares of the columns of its"
                + " inputs for it; it is quantized without them");
  }

  private static List<String> warnings(MeasuredInputs calibration) {
    Scheme scheme = new ActivationAware();
    return quantizer(new MemoryOutput(), scheme)
        .withCalibration(calibration)
        .plan(MODEL.input(), config(scheme), Optional.of(TARGET))
        .problems()
        .stream()
        .map(Object::toString)
        .toList();
  }

  @Test
  void otherBlocksCanBeAskedFor() {
    Scheme scheme = new Blocks();
    MemoryOutput output = new MemoryOutput();
    QuantizationConfig config =
        QuantizationConfig.builder()
            .scheme("acme/blocks")
            .granularity(Granularity.parse("block:64x32"))
            .build();
    quantizer(output, scheme).quantize(MODEL.input(), config, TARGET, false);
    assertThat(output.result(TARGET).contents().get("fc.weight/scale")).hasSize(4 * 5 * 16);
  }

  @Test
  void valuesOfOptionsAreCheckedAgainstTheirDescription() {
    Scheme scheme = new HalfQuadratic();
    assertThatThrownBy(() -> plan(scheme, "iterations", "many"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "scheme acme/hqq: option iterations is \"many\"; it must be a whole number from 0 to"
                + " 1000. Example: --option iterations=20");
    assertThatThrownBy(() -> plan(scheme, "iteration", "3"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "scheme acme/hqq has no option \"iteration\"; did you mean iterations? It has iterations"
                + " (a whole number from 0 to 1000, default 20), norm (a number from 0.1 to 1.0,"
                + " default 0.7)");
    assertThat(plan(scheme, "norm", "0.50")).isEqualTo(Map.of("iterations", "20", "norm", "0.5"));
  }

  private static Map<String, String> plan(Scheme scheme, String name, String value) {
    QuantizationConfig config =
        QuantizationConfig.builder().scheme(scheme.id().name()).option(name, value).build();
    return quantizer(new MemoryOutput(), scheme)
        .plan(MODEL.input(), config, Optional.of(TARGET))
        .weights()
        .get(0)
        .weight()
        .options()
        .own();
  }
}
