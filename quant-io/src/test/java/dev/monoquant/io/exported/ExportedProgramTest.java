package dev.monoquant.io.exported;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged and unusual archives of torch.export: read as PyTorch reads them, or refused by name. */
class ExportedProgramTest {

  private static final String CONFIG = "m/data/weights/model_weights_config.json";
  private static final String GRAPH = "m/models/model.json";

  @TempDir Path folder;

  private static Arguments refused(Reason reason, String message, ExportedText archive) {
    return Arguments.of(reason, message, archive);
  }

  private static ExportedText text() {
    return new ExportedText();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        refused(
            Reason.VERSION,
            "\"archive_version\": is \"1\"",
            text().replace("m/archive_version", "0", "1")),
        refused(
            Reason.VERSION,
            "\"archive_format\": is \"pt3\"",
            text().replace("m/archive_format", "pt2", "pt3")),
        refused(
            Reason.VERSION,
            "\"archive_format\": is \"100 bytes\"",
            text().put("m/archive_format", new byte[100])),
        refused(
            Reason.RECORD_MISSING, "\"m/archive_version\"", text().without("m/archive_version")),
        refused(
            Reason.BYTEORDER,
            "\"byteorder\": is big",
            text().replace("m/byteorder", "little", "big")),
        refused(Reason.RECORD_MISSING, CONFIG, text().without(CONFIG)),
        refused(
            Reason.UNSUPPORTED_TENSOR,
            "one pickle, as PyTorch before 2.9",
            text().without(CONFIG).put("m/data/weights/model.pt", new byte[4])),
        refused(Reason.UNSUPPORTED_TENSOR, "no exported program", text().without(GRAPH)),
        refused(Reason.RECORD_MISSING, "weight_9", text().weights("\"weight_0\"", "\"weight_9\"")),
        refused(
            Reason.RECORD_MISSING,
            "data/weights/../weights/weight_0",
            text().weights("\"weight_0\"", "\"../weights/weight_0\"")),
        refused(
            Reason.TENSOR_BOUNDS,
            "tensor \"fc.weight\"",
            text().weights("\"as_int\": 4", "\"as_int\": 5")),
        refused(
            Reason.TENSOR_BOUNDS,
            "tensor \"fc.weight\"",
            text().weights("[{\"as_int\": 3}, {\"as_int\": 1}]", "[{\"as_int\": 1}]")),
        refused(
            Reason.TENSOR_BOUNDS,
            "leaves 64 bits",
            text().weights("\"as_int\": 4", "\"as_int\": 9223372036854775807")),
        refused(
            Reason.ENTRY,
            "sizes holds something",
            text().weights("{\"as_int\": 4}", "{\"as_int\": -4}")),
        refused(
            Reason.ENTRY,
            "sizes holds something",
            text().weights("{\"as_int\": 4}", "{\"as_expr\": {\"expr_str\": \"s0\"}}")),
        refused(
            Reason.ENTRY,
            "storage_offset holds something",
            text().weights("\"storage_offset\": {\"as_int\": 0}", "\"offset\": 0")),
        refused(Reason.DTYPE, "is number 99", text().weights("\"dtype\": 7", "\"dtype\": 99")),
        refused(
            Reason.RECORD_SIZE,
            "no multiple of the 4 bytes",
            text().put("m/data/weights/weight_1", new byte[13])),
        refused(
            Reason.UNSUPPORTED_TENSOR,
            "stored as a pickle",
            text().weights("\"use_pickle\": false", "\"use_pickle\": true")),
        refused(
            Reason.UNSUPPORTED_TENSOR,
            "has the layout 1",
            text().weights("\"layout\": 7", "\"layout\": 1")),
        refused(
            Reason.UNSUPPORTED_TENSOR,
            "fake tensors",
            text().put("m/data/weights/weight_0", new byte[0])),
        refused(
            Reason.ENTRY,
            "no object \"tensor_meta\"",
            text().weights("\"tensor_meta\"", "\"meta\"")),
        refused(Reason.ENTRY, "no object \"config\"", text().weights("\"config\"", "\"configs\"")),
        refused(
            Reason.ENTRY,
            "as F64, another tensor as F32",
            text()
                .weights(
                    "{\"config\": {",
                    "{\"config\": {"
                        + ExportedText.entry("a", "weight_0", "1", "1")
                        + ", "
                        + ExportedText.entry("b", "weight_0", "1", "1")
                            .replace("\"dtype\": 7", "\"dtype\": 8")
                        + ", ")),
        refused(Reason.HEADER_JSON, "is no strict JSON", text().weights("}}}}", "}}}")),
        refused(Reason.DUPLICATE_KEY, "fc.weight", text().weights("\"fc.bias\"", "\"fc.weight\"")),
        refused(
            Reason.NO_TENSORS,
            "no parameters and no persistent buffers",
            text().put(CONFIG, bytes("{\"config\": {}}"))),
        refused(
            Reason.HEADER_JSON,
            "maxDepth",
            text().put(GRAPH, bytes("[".repeat(1000) + "]".repeat(1000)))),
        refused(
            Reason.AMBIGUOUS_ROOT,
            "holds 2 models. Choose an entry: \"model\", \"other\"",
            text().put("m/models/other.json", bytes("{}"))),
        refused(
            Reason.ZIP_STRUCTURE, "is not in the same folder", text().put("n/extra", new byte[1])));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void refusesByName(Reason reason, String message, ExportedText archive) throws IOException {
    assertThatThrownBy(() -> open(archive, ReadChoices.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }

  @Test
  void readsTheIntactArchive() throws IOException {
    try (ModelSource source = open(text(), ReadChoices.DEFAULT)) {
      assertThat(source.info().tensors())
          .extracting("name")
          .containsExactly("fc.weight", "fc.bias");
      assertThat(source.info().layers())
          .extracting(Layer::name, Layer::kind)
          .containsExactly(tuple("fc", LayerKind.LINEAR));
      assertThat(source.info().notes()).isEmpty();
    }
  }

  /** An empty tensor has no bytes, and needs none. */
  @Test
  void readsAnEmptyTensor() throws IOException {
    ExportedText archive =
        text()
            .put("m/data/weights/weight_1", new byte[0])
            .weights(
                ExportedText.entry("fc.bias", "weight_1", "3", "1"),
                ExportedText.entry("fc.bias", "weight_1", "0", "1"));
    try (ModelSource source = open(archive, ReadChoices.DEFAULT)) {
      assertThat(source.info().tensors().get(1).shape().elements()).isZero();
    }
  }

  @Test
  void chosenModelIsRead() throws IOException {
    ExportedText archive =
        text()
            .put("m/models/other.json", bytes("{}"))
            .put(
                "m/data/weights/other_weights_config.json",
                bytes("{\"config\": {" + ExportedText.entry("w", "weight_1", "3", "1") + "}}"));
    try (ModelSource source = open(archive, ReadChoices.DEFAULT.withEntry("other"))) {
      assertThat(source.info().tensors()).extracting("name").containsExactly("w");
    }
    assertThatThrownBy(() -> open(archive, ReadChoices.DEFAULT.withEntry("third")))
        .hasMessageContaining("no model \"third\". Choose an entry: \"model\", \"other\"");
  }

  /** A graph of an unknown form declares nothing, and the user is told. */
  @Test
  void graphWithoutClassesIsNoted() throws IOException {
    try (ModelSource source = open(text().put(GRAPH, bytes("{}")), ReadChoices.DEFAULT)) {
      assertThat(source.info().layers()).isEmpty();
      assertThat(source.info().notes()).singleElement().asString().contains("inferred");
    }
  }

  @Test
  void quantizedGraphIsNoted() throws IOException {
    ExportedText archive =
        text()
            .replace(
                GRAPH,
                "torch.ops.aten.linear.default",
                "torch.ops.quantized_decomposed.dequantize_per_channel.default");
    try (ModelSource source = open(archive, ReadChoices.DEFAULT)) {
      assertThat(source.info().notes())
          .singleElement()
          .asString()
          .contains("quantized already", "dequantize_per_channel");
    }
  }

  /** The kind of a layer outlives the tensors that make its weight. */
  @Test
  void foldedWeightBelongsToItsLayer() throws Exception {
    Path file = Path.of(getClass().getResource("/torch-oracle/exported.pt2").toURI());
    ModelInput input = new ModelInput.OfPath(file, ReadChoices.DEFAULT.withFold(true));
    try (ModelSource source = new ExportedProgramFormat().open(input, ReadLimits.DEFAULT)) {
      assertThat(source.info().layers())
          .filteredOn(layer -> layer.name().equals("wn"))
          .singleElement()
          .satisfies(layer -> assertThat(layer.kind()).isEqualTo(LayerKind.LINEAR))
          .satisfies(layer -> assertThat(layer.tensors()).containsOnlyKeys("bias", "weight"));
    }
  }

  @Test
  void strippedNamesKeepTheirLayers() throws IOException {
    ExportedText archive =
        text()
            .weights("\"fc.weight\"", "\"_orig_mod.fc.weight\"")
            .weights("\"fc.bias\"", "\"_orig_mod.fc.bias\"")
            .replace(GRAPH, ",fc,torch", ",_orig_mod.fc,torch");
    try (ModelSource source = open(archive, ReadChoices.DEFAULT.withStripPrefixes(true))) {
      assertThat(source.info().layers())
          .extracting(Layer::name, Layer::kind)
          .containsExactly(tuple("fc", LayerKind.LINEAR));
      assertThat(source.info().layers().get(0).tensors().values())
          .containsExactlyElementsOf(source.info().tensors());
    }
  }

  /** A module that is used in two ways has no declared kind. */
  @Test
  void operationsThatDisagreeDeclareNothing() throws IOException {
    String signature =
        "\"signature\": {\"input_specs\": [{\"parameter\": {\"arg\": {\"name\": \"p\"},"
            + " \"parameter_name\": \"fc.weight\"}}]}, ";
    String use =
        "{\"target\": \"torch.ops.aten.%s.default\", \"inputs\": [{\"name\": \"weight\","
            + " \"arg\": {\"as_tensor\": {\"name\": \"p\"}}}]}";
    for (String second : List.of("linear", "embedding", "mul")) {
      String graph =
          "{"
              + signature
              + "\"nodes\": ["
              + use.formatted("linear")
              + ", "
              + use.formatted(second)
              + "]}";
      try (ModelSource source = open(text().put(GRAPH, bytes(graph)), ReadChoices.DEFAULT)) {
        assertThat(source.info().layers()).hasSize(second.equals("linear") ? 1 : 0);
      }
    }
  }

  private ModelSource open(ExportedText archive, ReadChoices choices) throws IOException {
    Path file = Files.write(folder.resolve("model.pt2"), archive.zip().build());
    ModelInput input = new ModelInput.OfPath(file, choices);
    assertThat(Surest.of(file)).isInstanceOf(ExportedProgramFormat.class);
    return new ExportedProgramFormat().open(input, ReadLimits.DEFAULT);
  }
}
