package dev.monoquant.tile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.tile.Formula.Factor;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EncodingTest {

  private static final Part CODES = Part.perElement("codes", ElementType.UINT4);
  private static final Part SCALE = Part.perRow("scale", ElementType.FLOAT32);

  private static Part table(int levels) {
    return new Part("table", ElementType.FLOAT32, new Part.Whole(TensorShape.of(levels)));
  }

  private static void assertRefused(String reason, Formula formula, Part... parts) {
    assertThatThrownBy(() -> new Encoding(List.of(parts), formula))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  private static Formula affine(String... scales) {
    return new Formula.Affine(
        "codes", List.of(scales).stream().map(Factor::times).toList(), Optional.empty());
  }

  @Test
  void aFormulaUsesEachPartOnce() {
    assertRefused("part scale that is not there", affine("scale"), CODES);
    assertRefused("part scale that is not there, or twice", affine("scale", "scale"), CODES, SCALE);
    assertRefused(
        "does not use the parts [more]",
        affine("scale"),
        CODES,
        SCALE,
        Part.perRow("more", ElementType.INT8));
    assertRefused("two parts are named codes", new Formula.Opaque(), CODES, CODES);
    assertRefused("at least one part", new Formula.Opaque());
    assertThatThrownBy(() -> affine()).hasMessageContaining("at least one scale");
  }

  @Test
  void partsAreOfTheTypeAndExtentThatTheirUseNeeds() {
    assertRefused("codes are", affine("scale"), Part.perRow("codes", ElementType.INT8), SCALE);
    assertRefused("codes are", affine("scale"), Part.perElement("codes", ElementType.INT32), SCALE);
    assertRefused(
        "codes are", affine("scale"), Part.perElement("codes", ElementType.FLOAT16), SCALE);
    assertRefused(
        "part scale of type F32 and extent",
        affine("scale"),
        CODES,
        Part.runPerRow("scale", ElementType.FLOAT32, 2));
    assertRefused("scales and", affine("scale"), CODES, Part.perRow("scale", ElementType.INT32));
    assertRefused(
        "scales and",
        affine("scale"),
        CODES,
        new Part("scale", ElementType.FLOAT32, new Part.Whole(TensorShape.of(2))));
    Formula cast = new Formula.Cast("codes");
    assertRefused("a cast needs", cast, CODES);
    assertRefused("a cast needs", cast, Part.perRow("codes", ElementType.FLOAT16));
    Formula lookup = new Formula.Lookup("codes", "table", List.of());
    assertRefused("from 0 to 15", lookup, CODES, table(15));
    assertRefused("indices are", lookup, Part.perElement("codes", ElementType.INT4), table(16));
    assertRefused(
        "a table needs",
        lookup,
        CODES,
        new Part("table", ElementType.FLOAT32, new Part.Whole(TensorShape.of(4, 4))));
    assertThat(Encoding.lookup(CODES, table(16)).formula()).isEqualTo(lookup);
  }

  /** Two levels of scales, as of NVFP4 and of K-quants, are said without new types. */
  @Test
  void anyProductOfScales() {
    Part fp4 = Part.perElement("codes", ElementType.FLOAT4);
    Part local = Part.perGroup("scale", ElementType.FLOAT8_E4M3, 16);
    Part global = Part.perTensor("global_scale", ElementType.FLOAT32);
    Formula.Affine formula =
        new Formula.Affine(
            "codes", List.of(Factor.times("scale"), Factor.over("global_scale")), Optional.empty());
    assertThat(new Encoding(List.of(fp4, local, global), formula).formula()).isEqualTo(formula);
    Part sub = Part.perGroup("sub", ElementType.UINT6, 32);
    Part sup = Part.perGroup("super", ElementType.FLOAT16, 256);
    assertThat(new Encoding(List.of(CODES, sub, sup), affine("super", "sub")).parts()).hasSize(3);
  }

  @Test
  void conventionalNamesHaveTheirFormula() {
    Part zero = Part.perRow("zero_point", ElementType.UINT4);
    assertThat(Encoding.conventional(List.of(CODES, SCALE)))
        .isEqualTo(Encoding.affine(CODES, SCALE));
    assertThat(Encoding.conventional(List.of(zero, SCALE, CODES)).formula())
        .isEqualTo(Encoding.affine(CODES, SCALE, zero).formula());
    Part values = Part.perElement("values", ElementType.BFLOAT16);
    assertThat(Encoding.conventional(List.of(values))).isEqualTo(Encoding.cast(values));
    for (List<Part> others :
        List.of(
            List.of(CODES),
            List.of(SCALE),
            List.of(CODES, SCALE, table(16)),
            List.of(Part.perElement("values", ElementType.INT8)),
            List.of(CODES, Part.perRow("scale", ElementType.INT32)))) {
      assertThat(Encoding.conventional(others).formula()).isEqualTo(new Formula.Opaque());
    }
  }
}
