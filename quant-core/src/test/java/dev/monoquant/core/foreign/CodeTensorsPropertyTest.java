package dev.monoquant.core.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** What holds for every known way of storing codes, and for ways that nobody has named yet. */
class CodeTensorsPropertyTest {

  private static final Set<ElementType> CODES =
      EnumSet.of(
          ElementType.INT8,
          ElementType.UINT8,
          ElementType.FLOAT8_E4M3,
          ElementType.FLOAT8_E5M2,
          ElementType.FLOAT4);

  private static final Set<ElementType> SCALES =
      EnumSet.of(ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32);

  @Provide
  Arbitrary<Layout> layouts() {
    return Arbitraries.of(Layout.KNOWN);
  }

  @Provide
  Arbitrary<ElementType> codeTypes() {
    return Arbitraries.of(CODES);
  }

  @Provide
  Arbitrary<ElementType> scaleTypes() {
    return Arbitraries.of(SCALES);
  }

  @Provide
  Arbitrary<String> modules() {
    return Arbitraries.of("", "fc.", "model.layers.0.mlp.up_proj.", "h_0_", "a/b.");
  }

  /** A weight is found by its row of the table, whatever the order and the types that it allows. */
  @Property
  void eachRowOfTheTableIsRecognised(
      @ForAll("layouts") Layout layout, @ForAll("modules") String module, @ForAll Random random) {
    List<TensorInfo> weight = weight(layout, module + (module.endsWith(".") ? "" : "w."), random);
    TensorInfo codes = weight.get(0);
    weight.add(new TensorInfo("other.bias", ElementType.FLOAT32, TensorShape.of(8)));
    Collections.shuffle(weight, random);

    assertThat(CodeTensors.find(weight))
        .filteredOn(f -> f.codes().equals(codes))
        .singleElement()
        .matches(f -> firstThatFits(weight, codes).equals(f.method()));
  }

  /** Without any one of what must stand beside the codes, it is no weight of that row. */
  @Property
  void noRowIsRecognisedByHalf(@ForAll("layouts") Layout layout, @ForAll Random random) {
    List<TensorInfo> weight = weight(layout, "fc.", random);
    TensorInfo codes = weight.get(0);
    assertThat(layout.fits(codes, name -> find(weight, name))).isTrue();
    weight.remove(1 + random.nextInt(weight.size() - 1));
    assertThat(layout.fits(codes, name -> find(weight, name))).isFalse();
  }

  /** Codes beside scales of a block, a row or the tensor, under names of nobody in particular. */
  @Property
  void codesBesideScalesAreRecognisedUnderAnyName(
      @ForAll("modules") String module,
      @ForAll("codeTypes") ElementType codeType,
      @ForAll("scaleTypes") ElementType scaleType,
      @ForAll @IntRange(min = 1, max = 300) int rows,
      @ForAll @IntRange(min = 1, max = 9) int blocks,
      @ForAll @IntRange(min = 1, max = 16) int ragged,
      @ForAll Random random) {
    int cols = 16 * (blocks - 1) + ragged;
    String stem = List.of("weight", "w1", "up_proj_weight", "kernel").get(random.nextInt(4));
    String join = List.of("_scale", "_scales", ".scale", "_scale_inv").get(random.nextInt(4));
    TensorShape scales =
        List.of(
                TensorShape.of(rows, blocks),
                TensorShape.of(rows, 1),
                TensorShape.of(rows),
                TensorShape.of(),
                TensorShape.of((rows + 127) / 128, (cols + 127) / 128))
            .get(random.nextInt(5));
    TensorInfo codes = new TensorInfo(module + stem, codeType, TensorShape.of(rows, cols));
    TensorInfo scale = new TensorInfo(module + stem + join, scaleType, scales);
    if (scales.elements() >= codes.shape().elements()) {
      return; // As many scales as codes: nothing would be gained by that.
    }
    assertThat(CodeTensors.find(List.of(scale, codes)))
        .extracting(CodeTensors.Found::codes)
        .containsExactly(codes);
  }

  /**
   * Nothing is found among floats and truth values, whatever they are called; but bitsandbytes may
   * keep its codes in floats.
   */
  @Property
  void floatsAreNoCodes(@ForAll("layouts") Layout layout, @ForAll Random random) {
    Assume.that(!layout.types().contains(ElementType.FLOAT16));
    List<TensorInfo> floats = new ArrayList<>();
    for (TensorInfo tensor : weight(layout, "fc.", random)) {
      ElementType type = random.nextInt(4) == 0 ? ElementType.BOOL : ElementType.FLOAT16;
      floats.add(new TensorInfo(tensor.name(), type, tensor.shape()));
    }
    assertThat(CodeTensors.find(floats)).isEmpty();
  }

  private static String firstThatFits(List<TensorInfo> tensors, TensorInfo codes) {
    return Layout.KNOWN.stream()
        .filter(l -> l.fits(codes, name -> find(tensors, name)))
        .findFirst()
        .orElseThrow()
        .method();
  }

  private static Optional<TensorInfo> find(List<TensorInfo> tensors, String name) {
    return tensors.stream().filter(t -> t.name().equals(name)).findFirst();
  }

  /** The tensors of one weight, the codes first. */
  private static List<TensorInfo> weight(Layout layout, String beginning, Random random) {
    String start = layout.codes().isEmpty() ? beginning + "weight" : beginning;
    List<TensorInfo> weight = new ArrayList<>();
    weight.add(
        new TensorInfo(start + layout.codes(), any(layout.types(), random), TensorShape.of(16, 8)));
    for (Map.Entry<String, Set<ElementType>> beside : layout.beside().entrySet()) {
      weight.add(
          new TensorInfo(
              start + beside.getKey(), any(beside.getValue(), random), TensorShape.of(2, 8)));
    }
    return weight;
  }

  private static ElementType any(Set<ElementType> types, Random random) {
    return List.copyOf(types).get(random.nextInt(types.size()));
  }
}
