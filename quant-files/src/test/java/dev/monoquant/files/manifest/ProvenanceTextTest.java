package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Provenance as texts. */
class ProvenanceTextTest {

  private static final SortedMap<String, String> PLUGINS =
      new TreeMap<>(Map.of("scheme int8", "com.example.Int8 1.2", "input format pt", "P \"2\""));

  private static EncodedWeight weight(String name, String scheme) {
    TensorInfo tensor = new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(4, 6));
    return new EncodedWeight(
        new WeightMatrix(name, LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId(scheme, 1),
        OptionValues.DEFAULTS,
        Encoding.opaque(Part.perElement(Part.CODES, ElementType.INT8)));
  }

  private static SortedMap<String, String> texts(Optional<Provenance> provenance) {
    return ProvenanceText.of(
        new OutputContents(
            List.of(),
            List.of(weight("a", "int8"), weight("b", "int4"), weight("c", "int8")),
            List.of(),
            provenance));
  }

  @Test
  void whatIsKnownIsWrittenInAFixedOrder() {
    Provenance.Reading reading =
        new Provenance.Reading(
            ReadChoices.DEFAULT.withEntry("ema/model").withFold(false).withStripPrefixes(true),
            new OptionValues(Map.of("skip", "2")));
    Provenance provenance =
        new Provenance(
            "monoquant",
            "1.0",
            "{\"scheme\":\"int8\"}",
            PLUGINS,
            reading,
            Optional.of("5d"),
            new TreeMap<>(Map.of("norm.weight", "divided (awq) by 0.5 to 2")),
            Hashing.OUTPUTS,
            Optional.of(new TreeMap<>(Map.of("model.pt", "ab"))));
    assertThat(texts(Optional.of(provenance)))
        .containsExactly(
            Map.entry("monoquant.calibration", "5d"),
            Map.entry("monoquant.config", "{\"scheme\":\"int8\"}"),
            Map.entry("monoquant.edits", "{\"norm.weight\":\"divided (awq) by 0.5 to 2\"}"),
            Map.entry(
                "monoquant.plugins",
                "{\"input format pt\":\"P \\\"2\\\"\",\"scheme int8\":\"com.example.Int8 1.2\"}"),
            Map.entry(
                "monoquant.reading",
                "{\"entry\":\"ema/model\",\"strip_prefixes\":true,\"fold\":false,"
                    + "\"options\":{\"skip\":\"2\"}}"),
            Map.entry("monoquant.schemes", "int4@1,int8@1"),
            Map.entry("monoquant.tool", "monoquant 1.0"));
  }

  @Test
  void whatIsUnknownIsLeftOut() {
    assertThat(texts(Optional.empty())).isEmpty();
    assertThat(texts(Optional.of(Provenance.of("a tool", "2"))))
        .containsOnly(
            Map.entry("monoquant.tool", "a tool 2"),
            Map.entry("monoquant.schemes", "int4@1,int8@1"));
  }

  @Test
  void pluginsAreReadAsTheyWereWritten() {
    Provenance provenance =
        new Provenance(
            "t",
            "1",
            "",
            PLUGINS,
            Provenance.Reading.DEFAULT,
            Optional.empty(),
            new TreeMap<>(),
            Hashing.OUTPUTS,
            Optional.empty());
    assertThat(ProvenanceText.plugins(texts(Optional.of(provenance)))).isEqualTo(PLUGINS);
  }

  @Test
  void pluginsInAnotherFormAreNone() {
    for (String text : new String[] {"{}", "[", "7", "{\"scheme a\":[1,2]}", "null", "", "[[[["}) {
      assertThat(ProvenanceText.plugins(Map.of("monoquant.plugins", text))).as(text).isEmpty();
    }
    assertThat(ProvenanceText.plugins(Map.of())).isEmpty();
  }

  @Test
  void aToolHasANameAndAVersion() {
    assertThatThrownBy(() -> Provenance.of(" ", "1")).hasMessageContaining("the name of a tool");
    assertThatThrownBy(() -> Provenance.of("tool", "")).hasMessageContaining("\"tool\" and \"\"");
  }
}
