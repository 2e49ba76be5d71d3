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

  private static Part index(ElementType type, long... dims) {
    return new Part("index", type, new Part.Whole(TensorShape.of(dims)));
  }

  @Test
  void aGroupIndexIsALineOfGroupsOfOneSize() {
    Part scale = Part.perGroup("scale", ElementType.FLOAT16, 4);
    Formula.Affine affine = (Formula.Affine) affine("scale");
    Formula grouped = affine.withGroupIndex("index");
    assertRefused("is a line of I32", grouped, CODES, scale, index(ElementType.INT64, 8));
    assertRefused("is a line of I32", grouped, CODES, scale, index(ElementType.INT32, 8, 1));
    assertRefused("have the sizes []", grouped, CODES, SCALE, index(ElementType.INT32, 8));
    assertRefused(
        "have the sizes [4, 2]",
        affine
            .withMinimums(List.of(Factor.times("least")), ElementType.FLOAT32)
            .withGroupIndex("index"),
        CODES,
        scale,
        Part.perGroup("least", ElementType.FLOAT16, 2),
        index(ElementType.INT32, 8));
    Encoding encoding = new Encoding(List.of(CODES, scale, index(ElementType.INT32, 6)), grouped);
    assertThat(encoding.groups(6)).isEqualTo(2);
    byte[] cells = new byte[24];
    cells[8] = 1;
    assertThat(encoding.groupOfColumns(cells, 6)).containsExactly(0, 0, 1, 0, 0, 0);
    assertThatThrownBy(() -> encoding.groupOfColumns(cells, 7))
        .hasMessage("the group index has 6 numbers for 7 columns");
    cells[20] = 2;
    assertThatThrownBy(() -> encoding.groupOfColumns(cells, 6))
        .hasMessage("column 5 is in group 2 of 2");
  }

  @Test
  void theArithmeticIsOfAFloatType() {
    Formula.Affine affine = (Formula.Affine) affine("scale");
    assertThatThrownBy(() -> affine.withMinimums(List.of(), ElementType.FLOAT64))
        .hasMessage("the arithmetic of an affine formula is F32, F16 or BF16, not F64");
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
