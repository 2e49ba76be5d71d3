package dev.monoquant.io.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.Fuzz;
import dev.monoquant.io.safetensors.ModelDirectoryFormat;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/**
 * Indexes of sharded models, mutated: a directory is read, or refused by type, and nothing else
 * escapes; the shards beside it stay as they are.
 */
class IndexFuzzTest {

  private static final Pattern TOKEN =
      Pattern.compile("\"[^\"]*\"|-?\\d+|[{}\\[\\]:,]", Pattern.MULTILINE);

  private static final List<String> HURTFUL =
      List.of(
          "\"../model-00001-of-00002.safetensors\"",
          "\"/etc/passwd\"",
          "\"\"",
          "\"model-00001-of-00002.safetensors\"",
          "\"pytorch_model-00001-of-00002.bin\"",
          "\"lm_head.weight\"",
          "\"weight_map\"",
          "\"\\u0000\"",
          "\"C:\\\\x\"",
          "-1",
          "0",
          "9223372036854775808",
          "1e400",
          "NaN",
          "null",
          "true",
          "[]",
          "{}",
          "{\"a\": ".repeat(2000),
          "[".repeat(2000),
          "}",
          ":",
          ",");

  private enum Kind {
    SAFETENSORS("/corpus/sharded/sh_ok_two_shards", "model.safetensors.index.json"),
    CHECKPOINT("/torch-corpus/sharded/sh_ok_bin_shards", "pytorch_model.bin.index.json");

    private final String folder;
    private final String index;

    Kind(String folder, String index) {
      this.folder = folder;
      this.index = index;
    }

    InputFormatDetector detector() {
      return this == SAFETENSORS ? new ModelDirectoryFormat() : new TorchCheckpointFormat();
    }

    Path path() {
      try {
        return Path.of(IndexFuzzTest.class.getResource(folder).toURI());
      } catch (URISyntaxException e) {
        throw new AssertionError(e);
      }
    }

    String text() throws IOException {
      return Files.readString(path().resolve(index));
    }
  }

  /** Reads the shards with that index beside them; whether it was read. */
  private static boolean read(Kind kind, byte[] index) throws IOException {
    Path folder = Files.createTempDirectory("index-fuzz");
    try {
      try (Stream<Path> files = Files.list(kind.path())) {
        for (Path file : files.toList()) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
      Files.write(folder.resolve(kind.index), index);
      kind.detector().probe(ModelInput.of(folder));
      return Fuzz.read(kind.detector(), folder).isEmpty();
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static boolean read(Kind kind, String index) throws IOException {
    return read(kind, index.getBytes(StandardCharsets.UTF_8));
  }

  @Example
  void unchangedIndexesAreRead() throws IOException {
    for (Kind kind : Kind.values()) {
      assertThat(read(kind, kind.text())).as(kind.name()).isTrue();
    }
  }

  @Property(tries = 500)
  void tokensAreReplaced(
      @ForAll Kind kind,
      @ForAll @Size(min = 1, max = 3) List<@IntRange(max = 1 << 16) Integer> which,
      @ForAll @IntRange(max = 1 << 16) int by)
      throws IOException {
    String text = kind.text();
    for (int pick : which) {
      Matcher next = TOKEN.matcher(text);
      int count = (int) TOKEN.matcher(text).results().count();
      for (int i = 0; i <= pick % count; i++) {
        assertThat(next.find()).isTrue();
      }
      String hurtful = HURTFUL.get((by + pick) % HURTFUL.size());
      text = text.substring(0, next.start()) + hurtful + text.substring(next.end());
    }
    read(kind, text);
  }

  @Property(tries = 200)
  void linesAreCutDoubledAndShuffled(
      @ForAll Kind kind, @ForAll long seed, @ForAll @IntRange(max = 3) int how) throws IOException {
    Random random = new Random(seed);
    List<String> lines = new ArrayList<>(kind.text().lines().toList());
    int line = random.nextInt(lines.size());
    switch (how) {
      case 0 -> lines.remove(line);
      case 1 -> lines.add(random.nextInt(lines.size()), lines.get(line));
      case 2 -> Collections.shuffle(lines, random);
      default -> lines.subList(line, lines.size()).clear();
    }
    read(kind, String.join("\n", lines));
  }

  @Property(tries = 200)
  void bytesAreChanged(
      @ForAll Kind kind,
      @ForAll @Size(min = 1, max = 4) List<@IntRange(max = 1 << 16) Integer> where,
      @ForAll byte value)
      throws IOException {
    byte[] bytes = kind.text().getBytes(StandardCharsets.UTF_8);
    for (int at : where) {
      bytes[at % bytes.length] += value == 0 ? 1 : value;
    }
    read(kind, bytes);
  }

  @Property(tries = 100)
  void anyBytesAreNoIndex(@ForAll Kind kind, @ForAll @Size(max = 300) byte[] bytes)
      throws IOException {
    assertThat(read(kind, bytes)).isFalse();
  }
}
