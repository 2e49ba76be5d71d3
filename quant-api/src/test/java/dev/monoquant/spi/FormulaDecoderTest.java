package dev.monoquant.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.PluginException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Decoding by a formula against one number at a time, straight from the definition. */
class FormulaDecoderTest {

  private static final ElementType[] WEIGHTS = {
    ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32, ElementType.FLOAT64
  };

  private static final List<ElementType> ARITHMETIC =
      List.of(ElementType.FLOAT32, ElementType.FLOAT16, ElementType.BFLOAT16);

  /** A scheme without a decoder. */
  private static final Scheme SILENT =
      new Scheme() {
        @Override
        public SchemeId id() {
          throw new AssertionError();
        }

        @Override
        public Fit fit(WeightMatrix weight, OptionValues options) {
          throw new AssertionError();
        }

        @Override
        public TileQuantizer begin(
            WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
          throw new AssertionError();
        }
      };

  private static EncodedWeight weight(ElementType type, long rows, long cols, Encoding encoding) {
    TensorInfo tensor = new TensorInfo("w", type, TensorShape.of(rows, cols));
    return new EncodedWeight(
        new WeightMatrix("", LayerKind.LINEAR, "w", tensor, 0),
        new SchemeId("acme/any", 1),
        OptionValues.of(8, true, Granularity.TENSOR),
        encoding);
  }

  private static float[] decode(EncodedWeight weight, EncodedTile tile) {
    float[] out = new float[Math.toIntExact(tile.height() * weight.matrix().columnCount())];
    TileDecoder.ofFormula(weight).decode(tile, out);
    return out;
  }

  /** The cell of a part that covers a number, as {@link Part.Grid} defines it. */
  private static float at(
      EncodedWeight weight, EncodedTile tile, String name, int row, int col, int index) {
    int cols = (int) weight.matrix().columnCount();
    Part part = weight.encoding().part(name);
    Optional<Part> groups = weight.encoding().groupIndex();
    boolean codes = weight.encoding().numbers().equals(Optional.of(part));
    if (groups.isPresent()
        && !codes
        && part.extent() instanceof Part.Grid grid
        && grid.cellCols(cols) > 1) {
      int group = intAt(tile.part(groups.get().name()), col);
      int across = (int) grid.cellCols(cols);
      return tile.floatAt(part, row / grid.rowsPerCell() * across + group);
    }
    if (part.extent() instanceof Part.Grid grid) {
      int across = (int) grid.cellCols(cols);
      int field = (int) (col / grid.colsPerCell()) * grid.width();
      return tile.floatAt(part, row / grid.rowsPerCell() * across + field + index);
    }
    return tile.floatAt(part, index);
  }

  private static float scale(
      EncodedWeight weight,
      EncodedTile tile,
      List<Factor> factors,
      int row,
      int col,
      ElementType steps) {
    float scale = 1; // A part that is the only factor is no operation, and not rounded.
    for (Factor factor : factors) {
      float number = at(weight, tile, factor.part(), row, col, 0);
      boolean alone = factor.equals(factors.get(0)) && !factor.divides();
      scale = alone ? number : steps.round(factor.divides() ? scale / number : scale * number);
    }
    return scale;
  }

  private static float reference(EncodedWeight weight, EncodedTile tile, int row, int col) {
    Encoding encoding = weight.encoding().undivided();
    float x;
    if (encoding.formula() instanceof Formula.Cast cast) {
      x = at(weight, tile, cast.values(), row, col, 0);
    } else if (encoding.formula() instanceof Formula.Affine affine) {
      ElementType steps = affine.arithmetic();
      float code = at(weight, tile, affine.codes(), row, col, 0);
      float zero = affine.zeroPoint().map(z -> at(weight, tile, z, row, col, 0)).orElse(0f);
      x =
          steps.round(
              steps.round(code - zero) * scale(weight, tile, affine.scales(), row, col, steps));
      if (!affine.minimums().isEmpty()) {
        x = steps.round(x - scale(weight, tile, affine.minimums(), row, col, steps));
      }
    } else {
      Formula.Lookup lookup = (Formula.Lookup) encoding.formula();
      int code = (int) at(weight, tile, lookup.codes(), row, col, 0);
      x =
          at(weight, tile, lookup.table(), row, col, code)
              * scale(weight, tile, lookup.scales(), row, col, ElementType.FLOAT32);
    }
    Optional<Part> factors = weight.encoding().columnFactors();
    if (factors.isPresent()) {
      x /= at(weight, tile, factors.get().name(), row, col, col);
    }
    return weight.matrix().tensor().type().round(x);
  }

  private static EncodedTile tile(EncodedWeight weight, int height, SplittableRandom random) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      int cells = (int) part.shape(height, weight.matrix().columnCount()).elements();
      byte[] bytes = new byte[cells * part.type().cellBytes()];
      if (weight.encoding().groupIndex().equals(Optional.of(part))) {
        int groups = weight.encoding().groups(weight.matrix().columnCount());
        parts.put(part.name(), indices(random, cells, groups));
        continue;
      }
      float[] numbers = new float[cells];
      for (int i = 0; i < cells; i++) {
        numbers[i] = (float) Math.scalb(1 + random.nextDouble(), random.nextInt(-20, 8));
        if (part.isPerElement() && random.nextBoolean()) {
          numbers[i] = random.nextInt(8) == 0 ? -0f : -numbers[i];
        }
      }
      if (part.type().isFloatingPoint()) {
        bytes = part.toBytes(numbers);
      } else {
        for (int i = 0; i < cells; i++) {
          bytes[i] = (byte) random.nextInt(part.type().minCode(), part.type().maxCode() + 1);
        }
      }
      parts.put(part.name(), bytes);
    }
    return new EncodedTile(0, height, parts);
  }

  private static Part shared(String name, ElementType type, SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> Part.perTensor(name, type);
      case 1 -> Part.perRow(name, type);
      case 2 -> Part.perGroup(name, type, 1 + random.nextInt(9));
      default -> Part.perBlock(name, type, 1 + random.nextInt(3), 1 + random.nextInt(9));
    };
  }

  private static <T> T any(SplittableRandom random, List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private static int intAt(byte[] cells, int at) {
    return ByteBuffer.wrap(cells).order(ByteOrder.LITTLE_ENDIAN).getInt(at * Integer.BYTES);
  }

  private static byte[] indices(SplittableRandom random, int count, int groups) {
    ByteBuffer index = ByteBuffer.allocate(count * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      index.putInt(random.nextInt(groups));
    }
    return index.array();
  }

  /** Groups of columns in any order, and zero points and minimums for groups or rows. */
  private static Encoding grouped(SplittableRandom random, List<ElementType> types, int cols) {
    int size = 1 + random.nextInt(9);
    Part code = Part.perElement("c", any(random, List.of(ElementType.UINT4, ElementType.INT8)));
    Part scale = Part.perGroup("one", any(random, types), size);
    Part zero =
        random.nextBoolean()
            ? Part.perBlock("zero", ElementType.UINT4, 2, size)
            : Part.perRow("zero", ElementType.FLOAT16);
    Part least = Part.perGroup("least", any(random, types), size);
    Part index = new Part("index", ElementType.INT32, new Part.Whole(TensorShape.of(cols)));
    Formula.Affine affine =
        new Formula.Affine("c", List.of(Factor.times("one")), Optional.of("zero"));
    return switch (random.nextInt(3)) {
      case 0 ->
          new Encoding(
              List.of(code, scale, zero, least),
              affine.withMinimums(List.of(Factor.times("least")), any(random, ARITHMETIC)));
      case 1 -> new Encoding(List.of(code, scale, zero, index), affine.withGroupIndex("index"));
      default ->
          new Encoding(
              List.of(code, scale, zero, least, index),
              affine
                  .withGroupIndex("index")
                  .withMinimums(List.of(Factor.over("least")), any(random, ARITHMETIC)));
    };
  }

  private static Encoding encoding(SplittableRandom random, int cols) {
    List<ElementType> floats =
        List.of(
            ElementType.FLOAT16,
            ElementType.BFLOAT16,
            ElementType.FLOAT32,
            ElementType.FLOAT8_E4M3,
            ElementType.FLOAT8_E8M0);
    List<ElementType> codes =
        List.of(
            ElementType.INT8,
            ElementType.UINT8,
            ElementType.INT3,
            ElementType.UINT6,
            ElementType.FLOAT4,
            ElementType.FLOAT6_E2M3,
            ElementType.FLOAT8_E4M3);
    Part one = shared("one", any(random, floats), random);
    Part two =
        shared("two", random.nextBoolean() ? ElementType.UINT6 : any(random, floats), random);
    Part zero =
        shared("zero", random.nextBoolean() ? ElementType.INT8 : any(random, floats), random);
    List<Factor> both = List.of(new Factor("one", random.nextBoolean()), Factor.times("two"));
    Part code = Part.perElement("c", any(random, codes));
    Part index = Part.perElement("c", ElementType.code(1 + random.nextInt(4), false));
    int levels = index.type().maxCode() + 1 + random.nextInt(2);
    Part table =
        random.nextBoolean()
            ? Part.runPerRow("table", ElementType.FLOAT32, levels)
            : new Part("table", ElementType.FLOAT16, new Part.Whole(TensorShape.of(levels)));
    return switch (random.nextInt(9)) {
      case 6, 7, 8 -> grouped(random, floats, cols);
      case 0 -> Encoding.cast(Part.perElement("v", any(random, floats)));
      case 1 -> Encoding.affine(code, one);
      case 2 -> Encoding.affine(code, one, zero);
      case 3 ->
          new Encoding(
              List.of(code, one, two, zero), new Formula.Affine("c", both, Optional.of("zero")));
      case 4 -> Encoding.lookup(index, table);
      default ->
          new Encoding(List.of(index, table, one, two), new Formula.Lookup("c", "table", both));
    };
  }

  @Property(tries = 500)
  void everyNumberIsWhatTheDefinitionSays(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int height) {
    SplittableRandom random = new SplittableRandom(seed);
    int cols = random.nextInt(8) == 0 ? 2048 + random.nextInt(2100) : 1 + random.nextInt(40);
    EncodedWeight weight =
        weight(
            WEIGHTS[random.nextInt(WEIGHTS.length)],
            height,
            cols,
            random.nextInt(3) == 0 ? encoding(random, cols).divided(cols) : encoding(random, cols));
    EncodedTile tile = tile(weight, height, random);
    float[] decoded = decode(weight, tile);
    for (int i = 0; i < decoded.length; i++) {
      // A division by the first factor is one of 1, as here.
      assertThat(decoded[i])
          .as("%s, number %d", weight.encoding(), i)
          .isEqualTo(Float.valueOf(reference(weight, tile, i / cols, i % cols)));
    }
  }

  private static EncodedWeight levels(ElementType type) {
    return weight(
        type,
        1,
        256,
        Encoding.affine(
            Part.perElement("codes", ElementType.INT8),
            Part.perTensor("scale", type),
            Part.perTensor("zero_point", ElementType.INT8)));
  }

  private static EncodedTile levelsTile(EncodedWeight weight, float scale, int zero) {
    byte[] codes = new byte[256];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) i;
    }
    return new EncodedTile(
        0,
        1,
        Map.of(
            "codes",
            codes,
            "scale",
            weight.encoding().part("scale").toBytes(scale),
            "zero_point",
            new byte[] {(byte) zero}));
  }

  /** Every level of 9 bits with every significand of a scale, at both ends of the shortcut. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT16", "BFLOAT16"})
  void everyProductOfALevelAndAScaleIsRounded(ElementType type) {
    int digits = type == ElementType.FLOAT16 ? 11 : 8;
    int n = 511;
    float[] v = new float[n];
    float[] scale = new float[n];
    float[] zero = new float[n];
    float[] expected = new float[n];
    for (int fraction = 0; fraction < 1 << (digits - 1); fraction++) {
      for (int exponent : new int[] {-14, -13, -5, 0, 1, 6}) {
        float s = Math.scalb(1 + (float) fraction / (1 << (digits - 1)), exponent);
        assertThat(ProductRounding.isComfortable(type, s)).isTrue();
        for (int i = 0; i < n; i++) {
          int level = i - 255;
          zero[i] = -(level / 2);
          v[i] = level + zero[i];
          scale[i] = s;
          expected[i] = type.round(level * s);
        }
        ProductRounding.roundedProducts(v, scale, zero, n, ProductRounding.step(type));
        assertThat(v).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT16", "BFLOAT16"})
  void theEndsOfTheShortcut(ElementType type) {
    float least = type == ElementType.FLOAT16 ? 0x1p-14f : 0x1p-100f;
    float most = type == ElementType.FLOAT16 ? 0x1p7f : 0x1p100f;
    assertThat(ProductRounding.isComfortable(type, Math.nextDown(least))).isFalse();
    assertThat(ProductRounding.isComfortable(type, Math.nextUp(most))).isFalse();
    assertThat(ProductRounding.isComfortable(type, Float.NaN)).isFalse();
    for (float scale : new float[] {least / 64, least / 2, least, most, most * 2, most * 4}) {
      EncodedWeight weight = levels(type);
      float[] decoded = decode(weight, levelsTile(weight, scale, -3));
      for (int i = 0; i < decoded.length; i++) {
        assertThat(decoded[i]).isEqualTo(Float.valueOf(type.round(((byte) i + 3) * scale)));
      }
    }
  }

  @Test
  void aProductBeyondTheTypeIsInfinite() {
    EncodedWeight weight = levels(ElementType.FLOAT16);
    assertThat(decode(weight, levelsTile(weight, 1024, 0))[127]).isInfinite();
  }

  @Test
  void elementsBeyondStayUntouched() {
    EncodedWeight weight =
        weight(
            ElementType.BFLOAT16,
            1,
            2,
            Encoding.cast(Part.perElement("values", ElementType.FLOAT32)));
    byte[] bytes = weight.encoding().part("values").toBytes(1.001f, -3f);
    float[] out = {0, 0, 7};
    TileDecoder.ofFormula(weight).decode(new EncodedTile(0, 1, Map.of("values", bytes)), out);
    assertThat(out).containsExactly(1f, -3f, 7f);
  }

  @Test
  void groupsOutOfRangeAreRefused() {
    Part index = new Part("index", ElementType.INT32, new Part.Whole(TensorShape.of(4)));
    Encoding encoding =
        new Encoding(
            List.of(
                Part.perElement("c", ElementType.INT8),
                Part.perGroup("s", ElementType.FLOAT32, 2),
                index),
            new Formula.Affine("c", List.of(Factor.times("s")), Optional.empty())
                .withGroupIndex("index"));
    EncodedWeight weight = weight(ElementType.FLOAT32, 1, 4, encoding);
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put("c", new byte[] {1, 2, 3, 4});
    parts.put("s", encoding.part("s").toBytes(10, 100));
    parts.put("index", new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
    assertThat(decode(weight, new EncodedTile(0, 1, parts))).containsExactly(100, 20, 300, 40);
    for (byte wrong : new byte[] {2, -1}) {
      byte[] index2 = {
        1, 0, 0, 0, wrong, wrong < 0 ? wrong : 0, wrong < 0 ? wrong : 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
      };
      parts.put("index", index2);
      assertThatThrownBy(() -> decode(weight, new EncodedTile(0, 1, parts)))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("w: the groups of its columns: column 1 is in group")
          .hasMessageContaining("of 2. The file is damaged; fetch it again.");
    }
    assertThatThrownBy(() -> weight(ElementType.FLOAT32, 1, 5, encoding))
        .hasMessage("w: a group index of 4 numbers for 5 columns");
  }

  @Test
  void anOpaqueFormulaNeedsADecoder() {
    EncodedWeight weight =
        weight(ElementType.FLOAT32, 1, 1, Encoding.opaque(Part.perElement("x", ElementType.INT8)));
    assertThatThrownBy(() -> SILENT.decoderOf(weight))
        .isInstanceOf(PluginException.class)
        .hasMessage(
            "scheme acme/any@1 on \"w\": its formula is opaque, so it must supply a decoder, but it"
                + " has none");
  }
}
