package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The TorchScript of each formula, run by the engine, gives the bits of the decoder. */
class FormulaScriptTest {

  private static final int ROWS = 7;
  private static final int COLS = 10;

  private static EncodedWeight weight(ElementType type, Encoding encoding) {
    TensorInfo tensor = new TensorInfo("w", type, TensorShape.of(ROWS, COLS));
    return new EncodedWeight(
        new WeightMatrix("", LayerKind.LINEAR, "w", tensor, 0),
        new SchemeId("acme/any", 1),
        OptionValues.of(8, true, Granularity.TENSOR),
        encoding);
  }

  private static EncodedTile tile(EncodedWeight weight) {
    SplittableRandom random = new SplittableRandom(7);
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      int cells = (int) part.shape(ROWS, COLS).elements();
      if (part.type() == ElementType.INT32) {
        byte[] groups = new byte[cells * Integer.BYTES];
        for (int i = 0; i < cells; i++) {
          groups[i * Integer.BYTES] = (byte) random.nextInt(3);
        }
        parts.put(part.name(), groups);
        continue;
      }
      float[] numbers = new float[cells];
      byte[] bytes = new byte[cells];
      for (int i = 0; i < cells; i++) {
        numbers[i] = (float) Math.scalb(1 + random.nextDouble(), random.nextInt(-4, 4));
        if (part.type().isCode()) {
          bytes[i] = (byte) random.nextInt(part.type().minCode(), part.type().maxCode() + 1);
        }
      }
      parts.put(part.name(), part.type().isCode() ? bytes : part.toBytes(numbers));
    }
    return new EncodedTile(0, ROWS, parts);
  }

  private static Part codes(ElementType type) {
    return Part.perElement("c", type);
  }

  private static Part whole(String name, ElementType type, long... dims) {
    return new Part(name, type, new Part.Whole(TensorShape.of(dims)));
  }

  private static Encoding twoLevels(
      ElementType code, Part one, Part two, Factor first, Factor then) {
    return new Encoding(
        List.of(codes(code), one, two),
        new Formula.Affine("c", List.of(first, then), Optional.empty()));
  }

  /** Three groups of columns in any order, with zero points, and with minimums. */
  static Stream<Encoding> grouped() {
    Part code = codes(ElementType.UINT4);
    Part scale = Part.perGroup("s", ElementType.FLOAT16, 4);
    Part zero = Part.perGroup("z", ElementType.UINT4, 4);
    Part least = Part.perGroup("m", ElementType.BFLOAT16, 4);
    Part index = whole("i", ElementType.INT32, COLS);
    List<Factor> minimums = List.of(Factor.times("m"));
    Formula.Affine affine = new Formula.Affine("c", List.of(Factor.times("s")), Optional.of("z"));
    return Stream.of(
        new Encoding(List.of(code, scale, zero, index), affine.withGroupIndex("i")),
        new Encoding(
            List.of(code, scale, zero, least), affine.withMinimums(minimums, ElementType.FLOAT32)),
        new Encoding(
            List.of(code, scale, zero, least), affine.withMinimums(minimums, ElementType.FLOAT16)),
        new Encoding(
            List.of(code, scale, zero, least, index),
            affine.withGroupIndex("i").withMinimums(minimums, ElementType.BFLOAT16)));
  }

  /** Columns that are divided; the last is run by an integer kernel elsewhere. */
  static Stream<Encoding> divided() {
    return Stream.concat(
            Stream.concat(encodings(), grouped()),
            Stream.of(
                Encoding.affine(
                    codes(ElementType.INT8),
                    Part.perRow("s", ElementType.FLOAT32),
                    Part.perRow("z", ElementType.INT8))))
        .map(encoding -> encoding.divided(COLS));
  }

  static Stream<Encoding> encodings() {
    Part group = Part.perGroup("s", ElementType.FLOAT8_E4M3, 4);
    Part global = Part.perTensor("g", ElementType.FLOAT32);
    Part block = Part.perBlock("s", ElementType.FLOAT32, 3, 4);
    Part index = codes(ElementType.UINT3);
    Part table = whole("t", ElementType.FLOAT32, 8);
    return Stream.of(
        Encoding.cast(Part.perElement("v", ElementType.FLOAT8_E4M3)),
        Encoding.cast(Part.perElement("v", ElementType.FLOAT8_E5M2)),
        Encoding.cast(Part.perElement("v", ElementType.FLOAT8_E4M3FNUZ)),
        Encoding.cast(Part.perElement("v", ElementType.FLOAT8_E5M2FNUZ)),
        Encoding.cast(Part.perElement("v", ElementType.FLOAT4)),
        Encoding.cast(Part.perElement("v", ElementType.FLOAT6_E2M3)),
        Encoding.cast(Part.perElement("v", ElementType.FLOAT6_E3M2)),
        Encoding.affine(codes(ElementType.FLOAT4), Part.perGroup("s", ElementType.FLOAT8_E8M0, 4)),
        Encoding.affine(codes(ElementType.FLOAT8_E4M3), block),
        Encoding.affine(codes(ElementType.FLOAT8_E4M3), Part.perRow("s", ElementType.BFLOAT16)),
        Encoding.affine(codes(ElementType.FLOAT8_E4M3), whole("s", ElementType.FLOAT16, 1)),
        Encoding.affine(codes(ElementType.FLOAT8_E5M2), Part.perRow("s", ElementType.FLOAT32)),
        Encoding.affine(
            codes(ElementType.FLOAT8_E4M3), Part.perGroup("s", ElementType.FLOAT8_E8M0, 5)),
        Encoding.affine(codes(ElementType.UINT4), block, Part.perRow("z", ElementType.FLOAT16)),
        Encoding.affine(codes(ElementType.INT8), whole("s", ElementType.BFLOAT16, 1, 1, 1), global),
        twoLevels(ElementType.FLOAT4, group, global, Factor.times("s"), Factor.over("g")),
        twoLevels(ElementType.INT4, group, global, Factor.over("g"), Factor.times("s")),
        twoLevels(
            ElementType.UINT4,
            Part.perGroup("s", ElementType.UINT6, 2),
            Part.perGroup("g", ElementType.FLOAT16, 8),
            Factor.times("g"),
            Factor.times("s")),
        Encoding.lookup(index, table),
        Encoding.lookup(codes(ElementType.UINT8), whole("t", ElementType.FLOAT16, 256)),
        Encoding.lookup(codes(ElementType.UINT4), whole("t", ElementType.FLOAT4, 16)),
        Encoding.lookup(index, Part.runPerRow("t", ElementType.FLOAT32, 9)),
        new Encoding(
            List.of(index, table, block),
            new Formula.Lookup("c", "t", List.of(Factor.times("s")))));
  }

  @ParameterizedTest
  @MethodSource({"encodings", "grouped", "divided"})
  void decodesToTheSameBits(Encoding encoding) {
    for (ElementType type :
        List.of(ElementType.FLOAT32, ElementType.FLOAT16, ElementType.BFLOAT16)) {
      EncodedWeight weight = weight(type, encoding);
      EncodedTile tile = tile(weight);
      float[] decoded = new float[ROWS * COLS];
      TileDecoder.ofFormula(weight).decode(tile, decoded);
      assertThat(new EngineScriptRunner().decode(weight, tile))
          .as(type.wire())
          .hasValueSatisfying(run -> assertThat(run).isEqualTo(decoded));
    }
  }

  @Test
  void tablesForGroupsOfColumnsAndOpaqueFormulasHaveNone() {
    Part groups = new Part("t", ElementType.FLOAT32, new Part.Grid(1, 5, 8));
    EncodedWeight grouped =
        weight(ElementType.FLOAT32, Encoding.lookup(codes(ElementType.UINT3), groups));
    assertThat(Codec.of(grouped)).isEmpty();
    assertThat(Codec.of(weight(ElementType.FLOAT32, Encoding.opaque(codes(ElementType.INT8)))))
        .isEmpty();
  }
}
