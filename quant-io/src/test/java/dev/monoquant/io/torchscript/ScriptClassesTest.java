package dev.monoquant.io.torchscript;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.io.torchscript.ScriptClasses.Declared;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Lines are read as these patterns say, which overflow the stack on long ones. */
class ScriptClassesTest {

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

  @Property
  void listsAreReadAsThePatternSays(@ForAll("lists") String line) {
    Matcher list = LIST.matcher(line);
    List<String> expected = new ArrayList<>();
    if (list.matches()) {
      Matcher item = ITEM.matcher(list.group(1));
      while (item.find()) {
        expected.add(item.group(1));
      }
    }
    assertThat(ScriptClasses.names(line, PARAMETERS))
        .isEqualTo(list.matches() ? Optional.of(expected) : Optional.empty());
  }

  @Property
  void classesAreReadAsThePatternSays(@ForAll("classes") String line) {
    Matcher declared = CLASS.matcher(line);
    assertThat(ScriptClasses.declared(line))
        .isEqualTo(
            declared.matches()
                ? Optional.of(
                    new Declared(
                        declared.group(1), Optional.ofNullable(declared.group(2)).orElse("")))
                : Optional.empty());
  }

  @Example
  void manyParametersAreRead() {
    String line = PARAMETERS + " = [" + "\"w\", ".repeat(100_000) + "]";
    assertThat(ScriptClasses.names(line, PARAMETERS).orElseThrow()).hasSize(100_000);
  }
}
