package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ModelFormatException;
import dev.monoquant.io.testing.CorpusChoices;
import dev.monoquant.io.testing.Surest;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.Part;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every odd or malformed file of PyTorch in the corpus is read or refused exactly as its manifest
 * says, by the detector that its content chooses.
 */
class TorchCorpusTest {

  private static final CorpusChoices CHOICES = CorpusChoices.in(corpus());

  static Path corpus() {
    try {
      return Path.of(TorchCorpusTest.class.getResource("/torch-corpus/manifest.json").toURI())
          .getParent();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  record Case(String id, JsonObject entry) {
    @Override
    public String toString() {
      return id;
    }

    boolean accept() {
      return entry.get("expected").getAsString().equals("accept");
    }

    Path path() {
      return corpus().resolve(entry.get("path").getAsString());
    }
  }

  static Stream<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    String manifest = Files.readString(corpus().resolve("manifest.json"));
    for (JsonElement file :
        JsonParser.parseString(manifest).getAsJsonObject().getAsJsonArray("files")) {
      JsonObject entry = file.getAsJsonObject();
      cases.add(new Case(entry.get("id").getAsString(), entry));
    }
    assertThat(cases).hasSizeGreaterThan(150);
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void asTheManifestSays(Case c) throws IOException {
    boolean choice = c.entry().has("may_accept") || c.entry().has("may_reject");
    assertThat(CHOICES.isListed(c.id())).as("a choice is listed").isEqualTo(choice);
    InputFormatDetector detector = Surest.of(c.path());
    if (CHOICES.accept(c.id(), c.accept())) {
      read(c, detector);
    } else {
      refused(c, detector);
    }
  }

  private static void refused(Case c, InputFormatDetector detector) {
    String reason = c.entry().get(c.accept() ? "may_reject" : "reason").getAsString();
    Throwable thrown =
        catchThrowable(() -> detector.open(ModelInput.of(c.path()), ReadLimits.DEFAULT).close());
    assertThat(thrown).isInstanceOf(ModelFormatException.class);
    ModelFormatException refusal = (ModelFormatException) thrown;
    assertThat(refusal.reason().wire()).as(refusal.getMessage()).isEqualTo(reason);
    if (c.entry().has("mention")) {
      for (JsonElement mention : c.entry().getAsJsonArray("mention")) {
        assertThat(refusal.getMessage()).contains(mention.getAsString());
      }
    }
    assertThat(refusal.getMessage())
        .startsWith(c.path().toString())
        .doesNotContain("\n")
        .endsWith(".");
  }

  private static void read(Case c, InputFormatDetector detector) throws IOException {
    String root = c.entry().has("root") ? c.entry().get("root").getAsString() + "/" : "";
    Map<String, String> expected = new TreeMap<>();
    c.entry()
        .getAsJsonObject("tensors")
        .asMap()
        .forEach(
            (name, t) -> {
              JsonObject o = t.getAsJsonObject();
              if (name.startsWith(root)) {
                expected.put(
                    name.substring(root.length()),
                    o.get("dtype").getAsString()
                        + o.get("shape").toString().replace(",", ", ")
                        + o.get("sha256").getAsString());
              }
            });
    try (ModelSource source = detector.open(ModelInput.of(c.path()), ReadLimits.DEFAULT)) {
      Map<String, String> actual = new TreeMap<>();
      for (TensorInfo t : source.info().tensors()) {
        actual.put(t.name(), t.type().wire() + t.shape() + sha256(source, t));
      }
      for (EncodedWeight weight : source.info().quantized()) {
        actual.put(weight.name(), codes(source, weight, expected));
      }
      assertThat(actual).isEqualTo(expected);
      assertThat(String.join("\n", source.info().notes())).contains(root.replaceFirst("/$", ""));
      if (c.entry().has("shared")) {
        JsonElement names = c.entry().getAsJsonArray("shared").get(0);
        for (JsonElement name : names.getAsJsonArray()) {
          assertThat(String.join("\n", source.info().notes()))
              .contains('"' + name.getAsString() + '"');
        }
      }
    }
  }

  /** The manifest has the codes as PyTorch stores them, unsigned ones not shifted. */
  private static String codes(
      ModelSource source, EncodedWeight weight, Map<String, String> expected) throws IOException {
    String type = expected.get(weight.name()).startsWith("QUINT8") ? "QUINT8" : "QINT8";
    long rows = weight.matrix().rowCount();
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (long row = 0; row < rows; row++) {
      for (byte code : source.readTile(weight, new RowRange(row, 1)).part(Part.CODES)) {
        all.write(type.equals("QUINT8") ? code + 128 : code);
      }
    }
    return type + weight.matrix().tensor().shape() + sha256(all.toByteArray());
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static String sha256(ModelSource source, TensorInfo tensor) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      // In pieces of an odd size, so that elements are cut in the middle too.
      int piece = 7;
      for (long at = 0; at < tensor.bytes(); at += piece) {
        ByteBuffer data = source.read(tensor, at, (int) Math.min(piece, tensor.bytes() - at));
        assertThat(data.isReadOnly()).isTrue();
        digest.update(data);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
