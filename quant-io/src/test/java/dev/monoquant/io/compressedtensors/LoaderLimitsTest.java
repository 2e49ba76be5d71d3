package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.NumberType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What loaders cannot do with a directory is said, with the number of layers. */
class LoaderLimitsTest {

  private static final ElementType T = ElementType.FLOAT32;

  private static ModuleWeight weight(
      String layer, long rows, long columns, boolean inputs, Part... parts) {
    TensorInfo tensor = new TensorInfo(layer + ".weight", T, TensorShape.of(rows, columns));
    EncodedWeight weight =
        new EncodedWeight(
            new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
            new SchemeId("any", 1),
            OptionValues.of(4, true, Granularity.CHANNEL),
            Encoding.conventional(List.of(parts)));
    Optional<ActivationQuantization> activations =
        Optional.of(ActivationQuantization.perToken(8, NumberType.INT)).filter(a -> inputs);
    return ModuleWeight.of(weight.withActivations(activations));
  }

  private static ModuleWeight integers(String layer, int bits, long rows, long columns) {
    return weight(layer, rows, columns, false, codes(bits), Part.perRow("scale", T));
  }

  private static Part codes(int bits) {
    return Part.perElement("codes", ElementType.code(bits, true));
  }

  private static List<String> notes(ModuleWeight... weights) {
    return LoaderLimits.of(Arrays.asList(weights));
  }

  @Test
  void whatAllLoadersDoIsNotSpokenOf() {
    assertThat(
            notes(
                integers("a.o", 4, 64, 128),
                integers("a.experts.0.up", 8, 128, 256),
                integers("a.q", 4, 64, 256)))
        .isEmpty();
    assertThat(notes(weight("a.q", 64, 256, false, codes(4), Part.perGroup("scale", T, 128))))
        .isEmpty();
    assertThat(notes(weight("a.o", 3, 5, true, codes(8), Part.perRow("scale", T)))).isEmpty();
    Part fp8 = Part.perElement("codes", ElementType.FLOAT8_E4M3);
    assertThat(notes(weight("a.o", 3, 5, false, fp8, Part.perRow("scale", T)))).isEmpty();
    assertThat(notes(weight("a", 256, 128, false, fp8, Part.perBlock("scale", T, 128, 128))))
        .isEmpty();
  }

  @Test
  void twoSchemesOutsideExpertsAreOneForOneWayOfLoading() {
    assertThat(notes(integers("a.o", 4, 64, 128), integers("a.down", 8, 64, 128)))
        .singleElement()
        .asString()
        .contains(
            "2 ways (4 bits per channel, 8 bits per channel)", "dequantize=True", "vLLM follow");
    Part groups = Part.perGroup("scale", T, 128);
    assertThat(notes(integers("a.o", 4, 64, 128), weight("a.q", 64, 256, false, codes(4), groups)))
        .singleElement()
        .asString()
        .contains("2 ways (4 bits per channel, 4 bits per group:128)");
  }

  @Test
  void whatHasNoKernelIsCounted() {
    assertOnly(
        "2 layers of other than 4 or 8 bits, such as \"a\"",
        integers("a", 3, 64, 128),
        integers("b", 3, 1, 2));
    assertOnly(
        "1 layer with other scales than for each row",
        weight("a", 64, 128, false, codes(4), Part.perGroup("scale", T, 16)));
    assertOnly(
        "1 layer with other scales than for each row",
        weight("a", 64, 128, false, codes(8), Part.perTensor("scale", T)));
    assertOnly("1 layer whose inputs are no multiple of 128", integers("a", 4, 64, 192));
    assertOnly("1 layer whose inputs are no multiple of 128", integers("a", 8, 32, 128));
    assertOnly(
        "1 layer whose inputs are no multiple of 128",
        weight(
            "a",
            64,
            64,
            false,
            Part.perElement("codes", ElementType.FLOAT4),
            Part.perGroup("scale", ElementType.FLOAT8_E8M0, 32)));
    assertOnly(
        "1 layer whose sides are no multiples",
        weight(
            "a",
            128,
            130,
            false,
            Part.perElement("codes", ElementType.FLOAT8_E4M3),
            Part.perBlock("scale", T, 128, 128)));
    Part points = Part.perRow("zero_point", ElementType.INT8);
    assertOnly(
        "1 layer with zero points whose inputs are quantized",
        weight("a", 64, 128, true, codes(8), Part.perRow("scale", T), points));
    assertOnly(
        "1 layer of 8 bits in groups whose inputs are quantized",
        weight("a", 64, 128, true, codes(8), Part.perGroup("scale", T, 128)));
  }

  private static ModuleWeight table(Part codes, Part... scales) {
    List<Part> parts = new ArrayList<>(List.of(codes));
    parts.addAll(Arrays.asList(scales));
    TensorInfo tensor = new TensorInfo("m.embed_tokens.weight", T, TensorShape.of(65, 96));
    return ModuleWeight.of(
        new EncodedWeight(
            new WeightMatrix("m.embed_tokens", LayerKind.EMBEDDING, "weight", tensor, 0),
            new SchemeId("any", 1),
            OptionValues.of(4, true, Granularity.CHANNEL),
            Encoding.conventional(parts)));
  }

  @Test
  void tablesHaveAKernelForSymmetricIntegersOfWholeWords() {
    String unpacked = "a table of embeddings has packed codes: transformers 5.24 loads";
    String kernel = "1 layer of the kind Embedding, such as \"m.embed_tokens\": vLLM has no kernel";
    Part rows = Part.perRow("scale", T);
    for (int bits : List.of(2, 4, 8)) {
      assertThat(notes(table(codes(bits), rows))).singleElement().asString().startsWith(unpacked);
    }
    assertThat(notes(table(codes(8), Part.perGroup("scale", T, 32))))
        .singleElement()
        .asString()
        .startsWith(unpacked);
    assertThat(notes(table(codes(3), rows))).anyMatch(note -> note.startsWith(kernel));
    assertThat(notes(table(codes(8), Part.perTensor("scale", T))))
        .anyMatch(note -> note.startsWith(kernel));
    assertThat(notes(table(codes(8), rows, Part.perRow("zero_point", ElementType.INT8))))
        .anyMatch(note -> note.startsWith(kernel));
    assertOnly(kernel, table(Part.perElement("codes", ElementType.FLOAT8_E4M3), rows));
  }

  @Test
  void aPackedTableBesideAnotherFormIsAWarning() {
    Part rows = Part.perRow("scale", T);
    ModuleWeight packed = table(codes(8), rows);
    ModuleWeight floats = table(Part.perElement("codes", ElementType.FLOAT8_E4M3), rows);
    assertThat(LoaderLimits.warnings(List.of(packed, integers("a", 8, 64, 128)))).isEmpty();
    assertThat(LoaderLimits.warnings(List.of(floats, integers("a", 4, 64, 128)))).isEmpty();
    assertThat(LoaderLimits.warnings(List.of(packed, integers("a", 4, 64, 128))))
        .singleElement()
        .asString()
        .contains("transformers 5.24 does not load such a model");
  }

  @Test
  void packedZeroPointsAreSpokenOf() {
    Part points = Part.perRow("zero_point", ElementType.INT4);
    assertOnly(
        "packed weights have zero points: transformers 5.24 loads them only with",
        weight("a", 64, 128, false, codes(4), Part.perRow("scale", T), points));
  }

  @Test
  void expertsThatTransformersDoesNotTakeAreSpokenOf() {
    Part fp4 = Part.perElement("codes", ElementType.FLOAT4);
    Part fp8 = Part.perElement("codes", ElementType.FLOAT8_E4M3);
    String expert = "m.experts.0.up";
    Part e8m0 = Part.perGroup("scale", ElementType.FLOAT8_E8M0, 32);
    assertThat(notes(weight(expert, 64, 128, false, fp4, e8m0))).isEmpty();
    assertThat(notes(weight(expert, 64, 128, false, fp8, Part.perRow("scale", T)))).isEmpty();
    String refused = "experts have a form that vLLM loads and transformers 5.24 does not";
    assertOnly(refused, weight(expert, 64, 128, false, fp8, e8m0));
    assertOnly(refused, weight(expert, 64, 128, true, codes(8), Part.perRow("scale", T)));
    assertOnly(refused, weight(expert, 64, 128, false, fp8, Part.perBlock("scale", T, 64, 128)));
    assertThat(LoaderLimits.warnings(List.of(nvfp4(expert))))
        .singleElement()
        .asString()
        .startsWith("experts are nvfp4-pack-quantized")
        .contains("wrong numbers");
    assertThat(notes(nvfp4(expert))).isEmpty();
    assertThat(LoaderLimits.warnings(List.of(nvfp4("m.up")))).isEmpty();
  }

  private static ModuleWeight nvfp4(String layer) {
    TensorInfo tensor = new TensorInfo(layer + ".weight", T, TensorShape.of(64, 128));
    Encoding encoding =
        new Encoding(
            List.of(
                Part.perElement("codes", ElementType.FLOAT4),
                Part.perGroup("scale", ElementType.FLOAT8_E4M3, 16),
                Part.perTensor("global_scale", ElementType.FLOAT32)),
            new Formula.Affine(
                "codes",
                List.of(Formula.Factor.times("scale"), Formula.Factor.over("global_scale")),
                Optional.empty()));
    return ModuleWeight.of(
        new EncodedWeight(
            new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
            new SchemeId("nvfp4", 1),
            OptionValues.of(4, true, Granularity.group(16)),
            encoding));
  }

  private static void assertOnly(String note, ModuleWeight... weights) {
    assertThat(notes(weights)).singleElement().asString().startsWith(note).contains("vLLM");
  }
}
