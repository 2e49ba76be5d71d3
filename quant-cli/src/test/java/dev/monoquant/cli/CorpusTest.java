package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every odd or malformed file of the corpus, as a user meets it: {@code quant inspect} shows
 * exactly the tensors that the manifest lists, by their hashes, or ends with 3 and one line that
 * names the defect.
 */
class CorpusTest {

  private static final Path RESOURCES = Path.of("..", "quant-io", "src", "test", "resources");
  private static final String LINKS = "sh_ok_hf_cache_symlinks";

  @TempDir private static Path links;

  private final InProcess quant = new InProcess();

  private record Case(String id, Path path, JsonObject entry, boolean accept) {
    @Override
    public String toString() {
      return id;
    }
  }

  static Stream<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    for (String corpus : List.of("corpus", "torch-corpus")) {
      Path folder = RESOURCES.resolve(corpus);
      JsonObject choices = json(folder.resolve("choices.json"));
      for (JsonElement file : json(folder.resolve("manifest.json")).getAsJsonArray("files")) {
        JsonObject entry = file.getAsJsonObject();
        String id = entry.get("id").getAsString();
        JsonElement outcome =
            choices.has(id) ? choices.getAsJsonObject(id).get("outcome") : entry.get("expected");
        Path path = folder.resolve(entry.get("path").getAsString());
        path = id.equals(LINKS) ? withLinks(path) : path;
        path = entry.has("open") ? path.resolve(entry.get("open").getAsString()) : path;
        cases.add(new Case(id, path, entry, outcome.getAsString().equals("accept")));
      }
    }
    assertThat(cases).hasSizeGreaterThan(290);
    return cases.stream();
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  /** Links do not survive every copy of the corpus: there they are files that hold their target. */
  private static Path withLinks(Path path) throws IOException {
    Path copy = Files.createTempDirectory(links, "model");
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path to = copy.resolve(path.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else if (Files.size(file) < 32) {
          Files.createSymbolicLink(to, Path.of(Files.readString(file)));
        } else {
          Files.copy(file, to);
        }
      }
    }
    return copy;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isShownOrRefused(Case c) {
    int code = quant.run("inspect", c.path(), "--hashes", "--json");
    if (c.accept()) {
      assertThat(code).as(quant.err()).isZero();
      isShown(c, JsonParser.parseString(quant.out()).getAsJsonObject());
    } else {
      assertThat(code).as(quant.err()).isEqualTo(3);
      JsonObject failure = JsonParser.parseString(quant.out()).getAsJsonObject();
      assertThat(failure.get("kind").getAsString()).isEqualTo("failure");
      assertThat(quant.err()).startsWith("quant: ").hasLineCount(1).doesNotContain("Exception");
      if (c.entry().has("mention")) {
        for (JsonElement mention : c.entry().getAsJsonArray("mention")) {
          assertThat(quant.err()).contains(mention.getAsString());
        }
      }
    }
  }

  /**
   * What can be read can be quantized, and verified against the original, or the reason is told.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void isQuantizedAndVerified(Case c) throws IOException {
    if (!c.accept()) {
      return;
    }
    Path output = links.resolve(c.id() + ".safetensors");
    int code = quant.run("quantize", c.path(), "-o", output, "--granularity=channel");
    if (code == 0) {
      assertThat(quant.run("verify", output, "--against", c.path())).as(quant.err()).isZero();
      Files.delete(output);
    } else {
      assertThat(code).as(quant.err()).isEqualTo(3);
      assertThat(quant.err()).contains("quant: ").doesNotContain("Exception");
      assertThat(output).doesNotExist();
    }
  }

  private static void isShown(Case c, JsonObject shown) {
    if (!c.entry().has("tensors")) {
      return; // Malformed for a stricter reader, so that the manifest has no contents to compare.
    }
    Map<String, String> expected = new TreeMap<>();
    String root = c.entry().has("root") ? c.entry().get("root").getAsString() + "/" : "";
    c.entry()
        .getAsJsonObject("tensors")
        .asMap()
        .forEach(
            (name, value) -> {
              JsonObject tensor = value.getAsJsonObject();
              boolean codes = tensor.get("dtype").getAsString().matches("QU?INT.*");
              if (name.startsWith(root)) {
                expected.put(
                    name.substring(root.length()),
                    codes ? tensor.get("shape").toString() : plain(tensor, "dtype"));
              }
            });
    Map<String, String> actual = new TreeMap<>();
    for (JsonElement layer : shown.getAsJsonArray("layers")) {
      for (JsonElement value : layer.getAsJsonObject().getAsJsonArray("tensors")) {
        JsonObject tensor = value.getAsJsonObject();
        actual.put(
            tensor.get("name").getAsString(),
            tensor.has("sha256") ? plain(tensor, "type") : tensor.get("shape").toString());
      }
    }
    assertThat(actual).isEqualTo(expected);
  }

  private static String plain(JsonObject tensor, String type) {
    return tensor.get(type).getAsString()
        + tensor.get("shape")
        + tensor.get("sha256").getAsString();
  }
}
