package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Classes and their lists are read as these patterns say, which overflow on long ones. */
class StateNamesTest {

  private static final Pattern CLASS = Pattern.compile("class ([A-Za-z_]\\w*)(?:\\((\\w+)\\))?:");
  private static final Pattern LIST =
      Pattern.compile(" {2}__parameters__ = \\[((?:\"[^\"\\\\]*\", ?)*)\\]");
  private static final Pattern ITEM = Pattern.compile("\"([^\"\\\\]*)\"");
  private static final String PARAMETERS = "  __parameters__";

  private static Arbitrary<String> of(String start, String end, String... pieces) {
    return Arbitraries.of(pieces)
        .list()
        .ofMaxSize(8)
        .map(parts -> start + String.join("", parts) + end);
  }

  @Provide
  Arbitrary<String> lists() {
    return Arbitraries.oneOf(
        of(
            "  __parameters__ = [",
            "]",
            "\"w\", ",
            "\"b\",",
            "\"\", ",
            "\"",
            ",",
            " ",
            "]",
            "\\",
            "x"),
        of("  __parameters__", "", " = [", "\"w\", ", "]", " "));
  }

  @Provide
  Arbitrary<String> classes() {
    return of("class ", "", "Odd", "_", "7", "(Module)", "(", ")", ":", " ", "\u00e9");
  }

  private static SourceFile parse(String... lines) {
    return SourceFile.parse("__torch__.py", String.join("\n", lines), "model.pt", nodes -> {});
  }

  private static Optional<List<String>> names(String line) {
    try {
      SourceFile file = parse("class A(Module):", line);
      return Optional.of(List.copyOf(file.classes().get("A").stateNames()));
    } catch (ModelFormatException refused) {
      assertThat(refused).hasMessageContaining("code/__torch__.py");
      return Optional.empty();
    }
  }

  @Property
  void listsAreReadAsThePatternSays(@ForAll("lists") String line) {
    Matcher list = LIST.matcher(line);
    Set<String> expected = new LinkedHashSet<>();
    if (list.matches()) {
      Matcher item = ITEM.matcher(list.group(1));
      while (item.find()) {
        expected.add(item.group(1));
      }
      assertThat(names(line)).contains(List.copyOf(expected));
    } else {
      // White space matters less to the parser, and the last comma; anything else is refused.
      String spaced = line.replaceAll("(?<=[\\[\\],\"]) *(?=[\\[\\],\"])", "");
      boolean close = spaced.matches(" *__parameters__ *= *\\[ *(\"[^\"\\\\]*\" *,? *)*\\] *");
      assertThat(close || names(line).isEmpty()).as(line).isTrue();
    }
  }

  @Property
  void classesAreReadAsThePatternSays(@ForAll("classes") String line) {
    Matcher declared = CLASS.matcher(line);
    Map<String, ClassDef> classes = parse(line).classes();
    if (declared.matches()) {
      ClassDef type = classes.get(declared.group(1));
      assertThat(type.base()).isEqualTo(Optional.ofNullable(declared.group(2)).orElse(""));
    } else if (!classes.isEmpty()) {
      // White space between tokens, and brackets with nothing in them, matter less to the parser.
      assertThat(line.replace(" ", "").replace("()", ""))
          .matches("class([A-Za-z_]\\w*)(\\(\\w+\\))?:");
    }
  }

  /** What an escape stands for would have to be known. */
  @Example
  void namesWithEscapesAreRefused() {
    assertThat(names(PARAMETERS + " = [\"a\\\\x\", ]")).isEmpty();
    assertThat(names(PARAMETERS + " = [\"ax\", ]")).contains(List.of("ax"));
  }

  @Example
  void manyParametersAreRead() {
    StringBuilder line = new StringBuilder(PARAMETERS + " = [");
    for (int i = 0; i < 100_000; i++) {
      line.append('"').append(i).append("\", ");
    }
    assertThat(names(line + "]").orElseThrow()).hasSize(100_000);
  }
}
