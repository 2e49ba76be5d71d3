package dev.monoquant.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The guides, and the fenced blocks in them. */
final class Guides {

  /** Maven runs tests in the directory of the module. */
  static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  private static final Pattern BLOCK =
      Pattern.compile("(?ms)^(?:<!-- file: (\\S+) -->\\n)?```(\\w+)\\n(.*?)^```$");

  private Guides() {}

  /**
   * A fenced block.
   *
   * @param file the file of the project that it is said to show
   */
  record Block(Path guide, Optional<Path> file, String language, String text) {
    @Override
    public String toString() {
      return ROOT.relativize(guide) + ", " + language + " of " + file.orElse(Path.of("nothing"));
    }
  }

  static List<Path> all() {
    try (Stream<Path> files = Files.list(ROOT.resolve("docs"))) {
      List<Path> guides = new ArrayList<>(files.filter(f -> f.toString().endsWith(".md")).toList());
      guides.add(ROOT.resolve("CONTRIBUTING.md"));
      return guides.stream().sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }

  static List<Block> blocks(Path guide) {
    List<Block> blocks = new ArrayList<>();
    Matcher matcher = BLOCK.matcher(text(guide));
    while (matcher.find()) {
      Optional<Path> file = Optional.ofNullable(matcher.group(1)).map(ROOT::resolve);
      blocks.add(new Block(guide, file, matcher.group(2), matcher.group(3)));
    }
    return blocks;
  }

  /** The commands of the {@code sh} blocks of a guide, in order. */
  static List<String> commands(Path guide) {
    return blocks(guide).stream()
        .filter(block -> block.language().equals("sh"))
        .flatMap(block -> block.text().lines())
        .filter(line -> !line.isBlank())
        .toList();
  }
}
