package dev.monoquant.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.testing.CorpusChoices;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every odd or malformed file of the corpus is read or refused exactly as its manifest says. */
class CorpusTest {

  private static final CorpusChoices CHOICES = CorpusChoices.in(corpus());

  /** Not readable without a pickle reader: refused by name until there is one. */
  private static final List<String> NEEDS_THE_PICKLE_READER = List.of("sh_ok_bin_shards");

  private static final String LINKS = "sh_ok_hf_cache_symlinks";

  @TempDir static Path links;

  static Path corpus() {
    try {
      URI uri = CorpusTest.class.getResource("/corpus/manifest.json").toURI();
      return Path.of(uri).getParent();
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
      Path path = corpus().resolve(entry.get("path").getAsString());
      if (id.equals(LINKS)) {
        path = withLinks(path);
      }
      return entry.has("open") ? path.resolve(entry.get("open").getAsString()) : path;
    }

    /**
     * Links do not survive every copy of the corpus: there they are files that hold their target.
     */
    private static Path withLinks(Path path) {
      try {
        Path copy = Files.createDirectories(links.resolve("copy" + System.nanoTime()));
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
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    InputFormatDetector detector() {
      return Files.isDirectory(path()) ? new ModelDirectoryFormat() : new SafetensorsFormat();
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
    assertThat(cases).hasSizeGreaterThan(125);
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void asTheManifestSays(Case c) throws IOException {
    boolean choice = c.entry().has("may_accept") || c.entry().has("may_reject");
    assertThat(CHOICES.isListed(c.id())).as("a choice is listed").isEqualTo(choice);
    if (NEEDS_THE_PICKLE_READER.contains(c.id())) {
      refused(c, Reason.NOT_THIS_FORMAT.wire(), List.of("pytorch_model", "safetensors"));
    } else if (CHOICES.accept(c.id(), c.accept())) {
      read(c);
    } else {
      String reason = c.entry().get(c.accept() ? "may_reject" : "reason").getAsString();
      refused(c, reason, mentions(c));
    }
  }

  private static List<String> mentions(Case c) {
    List<String> mentions = new ArrayList<>();
    if (c.entry().has("mention")) {
      c.entry().getAsJsonArray("mention").forEach(m -> mentions.add(m.getAsString()));
    }
    return mentions;
  }

  private static void refused(Case c, String reason, List<String> mentions) {
    Path path = c.path();
    c.detector().probe(ModelInput.of(path));
    Throwable thrown =
        catchThrowable(() -> c.detector().open(ModelInput.of(path), ReadLimits.DEFAULT).close());
    assertThat(thrown).isInstanceOf(ModelFormatException.class);
    ModelFormatException refusal = (ModelFormatException) thrown;
    assertThat(refusal.reason().wire()).as(refusal.getMessage()).isEqualTo(reason);
    assertThat(mentions).allSatisfy(m -> assertThat(refusal.getMessage()).contains(m));
    assertThat(refusal.getMessage()).startsWith(path.toString()).doesNotContain("\n").endsWith(".");
  }

  private static void read(Case c) throws IOException {
    ModelInput input = ModelInput.of(c.path());
    assertThat(c.detector().probe(input)).isNotEqualTo(Match.NONE);
    if (!c.entry().has("tensors")) {
      // Listed as malformed for a stricter reader, so the manifest has no contents to compare.
      c.detector().open(input, ReadLimits.DEFAULT).close();
      return;
    }
    Map<String, String> expected = new TreeMap<>();
    c.entry()
        .getAsJsonObject("tensors")
        .asMap()
        .forEach(
            (name, t) -> {
              JsonObject o = t.getAsJsonObject();
              expected.put(
                  name,
                  o.get("dtype").getAsString()
                      + o.get("shape").toString().replace(",", ", ")
                      + o.get("sha256").getAsString());
            });
    try (ModelSource source = c.detector().open(input, ReadLimits.DEFAULT)) {
      Map<String, String> actual = new TreeMap<>();
      for (TensorInfo t : source.info().tensors()) {
        actual.put(t.name(), t.type().wire() + t.shape() + sha256(source, t));
      }
      assertThat(actual).isEqualTo(expected);
      if (c.entry().has("metadata")) {
        Map<String, String> metadata = new TreeMap<>();
        c.entry()
            .getAsJsonObject("metadata")
            .asMap()
            .forEach((k, v) -> metadata.put(k, v.getAsString()));
        assertThat(source.info().metadata()).isEqualTo(metadata);
      }
    }
  }

  private static String sha256(ModelSource source, TensorInfo tensor) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      // In pieces of an odd size, so that offsets inside a tensor are read too.
      int piece = 7919;
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
