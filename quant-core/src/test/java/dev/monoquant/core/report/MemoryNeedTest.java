package dev.monoquant.core.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MemoryNeedTest {

  private static final int TILE = 128 << 10;
  private static final long MIB = 1 << 20;

  private static PlannedWeight weight(String name, long rows, long cols) {
    TensorInfo tensor = new TensorInfo(name, ElementType.BFLOAT16, TensorShape.of(rows, cols), "");
    EncodedWeight weight =
        new EncodedWeight(
            new WeightMatrix("fc", LayerKind.LINEAR, "weight", tensor, 0),
            new SchemeId("int8", 1),
            OptionValues.of(8, true, Granularity.CHANNEL),
            Encoding.affine(
                Part.perElement("codes", ElementType.INT8),
                Part.perRow("scale", ElementType.FLOAT32)));
    return new PlannedWeight(weight, Layer.Evidence.DECLARED, "linear", "");
  }

  private static MemoryNeed need(List<PlannedWeight> weights, int threads, OptionalLong bound) {
    return need(weights, threads, bound, 0);
  }

  private static Plan plan(List<PlannedWeight> weights) {
    return new Plan(
        "in",
        "any",
        "any",
        List.of(),
        weights,
        List.of(),
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  private static MemoryNeed need(
      List<PlannedWeight> weights, int threads, OptionalLong bound, long factor) {
    return MemoryNeed.of(
        List.of(plan(weights)), TILE, threads, bound, weight -> new MemoryNeed.Factors(0, factor));
  }

  @Test
  void neitherTheSizeOfTensorsNorTheirNumberOfElementsMatters() {
    MemoryNeed small = need(List.of(weight("a", 1 << 10, 4096)), 2, OptionalLong.empty());
    MemoryNeed huge = need(List.of(weight("a", 1 << 30, 4096)), 2, OptionalLong.empty());
    assertThat(huge).isEqualTo(small);
    assertThat(huge.bytes()).isLessThan(128 * MIB);
  }

  @Test
  void fewerThreadsShareWhatThereIs() {
    List<PlannedWeight> weights = List.of(weight("a", 8, 4 << 20), weight("b", 8, 8));
    OptionalLong bound = OptionalLong.of(256 * MIB);
    MemoryNeed need = need(weights, 16, bound);
    assertThat(need.threads()).isEqualTo(1);
    assertThat(need.bytes()).isLessThanOrEqualTo(256 * MIB).isEqualTo(need.least());
    assertThat(need(weights, 16, OptionalLong.of(1024 * MIB)).threads()).isBetween(8, 15);
    assertThat(need(weights, 16, OptionalLong.of(1L << 40)).threads()).isEqualTo(16);
  }

  @Test
  void aRowThatIsTooLongIsRefusedByName() {
    assertThatThrownBy(
            () ->
                need(
                    List.of(weight("a", 8, 8), weight("wide", 8, 40_000_000)),
                    4,
                    OptionalLong.of(256 * MIB)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "a memory of 256.0 MiB is not enough: this run needs 858.9 MiB, since a block of rows of"
                + " \"wide\" takes 762.9 MiB. Give --max-memory 859m or more");
  }

  @Test
  void factorsOfAGramMatrixAreCountedAndRefusedEvenWithoutABound() {
    List<PlannedWeight> weights = List.of(weight("a", 8, 8));
    long plain = need(weights, 1, OptionalLong.of(256 * MIB)).least();
    assertThat(need(weights, 1, OptionalLong.of(256 * MIB), 32 * MIB).least())
        .isEqualTo(plain + 32 * MIB);
    for (OptionalLong bound : List.of(OptionalLong.of(256 * MIB), OptionalLong.empty())) {
      assertThatThrownBy(() -> need(weights, 1, bound, 1L << 40))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("since the factors of a Gram matrix take 1.0 TiB")
          .hasMessageContaining("or use method=nearest for the widest layers");
    }
  }

  @Test
  void eachOutputHasFactorsOfItsOwn() {
    List<PlannedWeight> weights = List.of(weight("a", 8, 8), weight("b", 8, 8));
    List<Plan> outputs = List.of(plan(weights), plan(weights));
    long plain =
        MemoryNeed.of(outputs, TILE, 1, OptionalLong.empty(), w -> MemoryNeed.Factors.NONE).least();
    assertThat(factors(outputs, 1, OptionalLong.empty()).least() - plain)
        .isEqualTo((64 + 32 + 32) * MIB);
  }

  @Test
  void eachThreadMayBeAtAWeightWithFactors() {
    List<Plan> plans =
        List.of(plan(List.of(weight("c", 8, 8), weight("b", 8, 8), weight("a", 8, 8))));
    MemoryNeed one = factors(plans, 1, OptionalLong.of(1024 * MIB));
    MemoryNeed two = factors(plans, 2, OptionalLong.of(1024 * MIB));
    assertThat(one.bytes()).isEqualTo(one.least()).isEqualTo(two.least());
    assertThat(two.bytes()).isEqualTo(two.least() + two.perThread() + 16 * MIB);
    MemoryNeed many = factors(plans, 16, OptionalLong.of(1024 * MIB));
    assertThat(many.bytes()).isEqualTo(many.least() + 15 * many.perThread() + (16 + 8) * MIB);
    OptionalLong tight = OptionalLong.of(two.bytes() - 1);
    assertThat(factors(plans, 16, tight).threads()).isEqualTo(1);
    assertThat(factors(plans, 16, OptionalLong.of(two.bytes())).threads()).isEqualTo(2);
  }

  /** 64 MiB while factors are made; 32, 16 and 8 MiB of the weights a, b and c. */
  private static MemoryNeed factors(List<Plan> plans, int threads, OptionalLong bound) {
    return MemoryNeed.of(
        plans,
        TILE,
        threads,
        bound,
        weight -> new MemoryNeed.Factors(64 * MIB, (32 >> (weight.name().charAt(0) - 'a')) * MIB));
  }

  @Test
  void tooManyTensorsAreRefusedByTheirNumber() {
    assertThatThrownBy(
            () ->
                need(
                    Collections.nCopies(100_000, weight("a", 8, 32)),
                    4,
                    OptionalLong.of(256 * MIB)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("since 100000 tensors take 400.5 MiB. Give --max-memory 501m");
    assertThatThrownBy(() -> MemoryNeed.requireTensors(100_000, 256 * MIB))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("since 100000 tensors take 400.5 MiB. Give --max-memory 501m");
    MemoryNeed.requireTensors(100_000, 512 * MIB);
    MemoryNeed.requireTensors(38_000, 256 * MIB);
  }
}
