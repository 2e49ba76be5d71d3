package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Files written by torch 2.13, with what torch itself says is in them: names, types, shapes and the
 * SHA-256 of each contiguous tensor.
 */
class TorchOracleTest {

  static Path oracle(String name) {
    try {
      return Path.of(TorchOracleTest.class.getResource("/torch-oracle/checkpoints.json").toURI())
          .resolveSibling(name);
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static Stream<Arguments> entries(String manifest) throws IOException {
    JsonObject all = JsonParser.parseString(Files.readString(oracle(manifest))).getAsJsonObject();
    assertThat(all.size()).isPositive();
    return all.asMap().entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  static Stream<Arguments> checkpoints() throws IOException {
    return entries("checkpoints.json");
  }

  static Stream<Arguments> scripts() throws IOException {
    return entries("scripts.json");
  }

  @ParameterizedTest
  @MethodSource("checkpoints")
  void checkpointHoldsWhatTorchSaved(String name, JsonElement expected) throws IOException {
    try (ModelSource source = open(name)) {
      requireTensors(source, expected.getAsJsonObject());
      if (expected.getAsJsonObject().has("note")) {
        assertThat(source.info().notes())
            .contains(expected.getAsJsonObject().get("note").getAsString());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("scripts")
  void archiveHoldsItsStateDictAndKinds(String name, JsonElement expected) throws IOException {
    JsonObject wanted = expected.getAsJsonObject();
    try (ModelSource source = open(name)) {
      requireTensors(source, wanted);
      requireKinds(source, wanted);
      for (JsonElement left : wanted.getAsJsonArray("leftOut")) {
        assertThat(String.join("\n", source.info().notes()))
            .contains('"' + left.getAsString() + '"');
      }
      assertThat(source.info().notes())
          .contains("One tensor under several names: \"twice.weight\", \"again.weight\".");
    }
  }

  static Stream<Arguments> exported() throws IOException {
    return entries("exported.json");
  }

  /** Views, tied names, types and classes as torch.export has them. */
  @ParameterizedTest
  @MethodSource("exported")
  void exportedProgramHoldsItsStateDictAndKinds(String name, JsonElement expected)
      throws IOException {
    try (ModelSource source = open(name)) {
      requireTensors(source, expected.getAsJsonObject());
      requireKinds(source, expected.getAsJsonObject());
    }
  }

  /** The constants as torch unpickles them; the layers as its code uses them. */
  @Test
  void constantsOfAFrozenModuleAreItsWeights() throws IOException {
    try (ModelSource source = open("frozen.pt")) {
      Map<String, String> actual = new TreeMap<>();
      for (TensorInfo t : source.info().tensors()) {
        ByteBuffer bytes = source.read(t, 0, Math.toIntExact(t.bytes()));
        actual.put(t.name(), t.type().wire() + t.shape() + sha256(bytes));
      }
      assertThat(actual)
          .containsExactly(
              Map.entry(
                  "CONSTANTS.c0",
                  "F32[4, 4]5e3005671d669365e71b7683389067efa45a995587d595d51a3e0fc3557a1b96"),
              Map.entry(
                  "CONSTANTS.c1",
                  "F32[4]4929c53b91ac1f44d153be7df569cba0e61626c3e88de46a79c12981f4438c84"));
      assertThat(source.info().layers()).hasSize(1);
      Layer layer = source.info().layers().get(0);
      assertThat(layer.name()).isEqualTo("CONSTANTS.c0");
      assertThat(layer.kind()).isEqualTo(LayerKind.LINEAR);
      assertThat(layer.tensors())
          .containsExactly(
              Map.entry("weight", source.info().tensors().get(0)),
              Map.entry("bias", source.info().tensors().get(1)));
    }
  }

  @Test
  void packedWeightsAreRefusedByName() {
    assertThatThrownBy(() -> open("quantized.pt").close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.UNSUPPORTED_TENSOR))
        .hasMessageContaining("\"fc._packed_params._packed_params\"")
        .hasMessageContaining("LinearPackedParamsBase");
  }

  private static ModelSource open(String name) throws IOException {
    Path path = oracle(name);
    return Surest.of(path).open(ModelInput.of(path), ReadLimits.DEFAULT);
  }

  private static void requireKinds(ModelSource source, JsonObject wanted) {
    Map<String, String> kinds = new TreeMap<>();
    for (Layer layer : source.info().layers()) {
      kinds.put(layer.name(), layer.kind().name());
      assertThat(layer.evidence()).isEqualTo(Layer.Evidence.DECLARED);
      layer
          .tensors()
          .forEach((local, t) -> assertThat(t.name()).isEqualTo(layer.name() + "." + local));
      assertThat(source.info().tensors()).containsAll(layer.tensors().values());
    }
    Map<String, String> expected = new TreeMap<>();
    wanted.getAsJsonObject("kinds").asMap().forEach((k, v) -> expected.put(k, v.getAsString()));
    assertThat(kinds).isEqualTo(expected);
  }

  private static void requireTensors(ModelSource source, JsonObject expected) throws IOException {
    Map<String, String> wanted = new TreeMap<>();
    expected
        .getAsJsonObject("tensors")
        .asMap()
        .forEach(
            (name, t) -> {
              JsonObject o = t.getAsJsonObject();
              wanted.put(
                  name,
                  o.get("dtype").getAsString()
                      + o.get("shape").toString().replace(",", ", ")
                      + o.get("sha256").getAsString());
            });
    Map<String, String> actual = new TreeMap<>();
    for (TensorInfo t : source.info().tensors()) {
      ByteBuffer bytes = source.read(t, 0, Math.toIntExact(t.bytes()));
      actual.put(t.name(), t.type().wire() + t.shape() + sha256(bytes));
    }
    assertThat(actual).isEqualTo(wanted);
  }

  private static String sha256(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
