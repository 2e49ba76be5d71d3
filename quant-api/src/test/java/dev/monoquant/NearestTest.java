package dev.monoquant;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NearestTest {

  private static final List<String> NAMES =
      List.of("group", "grouped", "Granularity", "bits", "symmetric", "generate-completion");

  @ParameterizedTest
  @CsvSource({
    "gorup, group",
    "groop, group",
    "grou, group",
    "bit, bits",
    "BITS, bits",
    "bist, bits",
    "granularty, Granularity",
    "symetrc, symmetric",
    "gen, generate-completion"
  })
  void aSlipOrABeginningIsNear(String asked, String meant) {
    assertThat(Nearest.of(asked, NAMES)).contains(meant);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "stib", "metric", "zzzzzz", "gxyup", "pgorus"})
  void anythingElseIsNot(String asked) {
    assertThat(Nearest.of(asked, NAMES)).isEmpty();
  }

  @Test
  void fewerEditsComeFirstAndThenShorterNames() {
    List<String> names = List.of("grouped", "groups", "group", "grouq");
    assertThat(Nearest.several("group", names, 9))
        .containsExactly("group", "grouq", "groups", "grouped");
    assertThat(Nearest.several("group", names, 2)).containsExactly("group", "grouq");
  }

  /** A name with one edit of any kind made to it is as near as its length allows. */
  @Property
  void oneEditIsAlwaysNear(
      @ForAll("words") String name, @ForAll char letter, @ForAll int place, @ForAll int kind) {
    int at = Math.floorMod(place, name.length());
    String head = name.substring(0, at);
    String tail = name.substring(at + 1);
    String asked =
        switch (Math.floorMod(kind, 4)) {
          case 0 -> head + letter + tail;
          case 1 -> head + tail;
          case 2 -> head + letter + name.substring(at);
          default -> swapped(name, at);
        };
    assertThat(Nearest.of(asked, List.of(name))).contains(name);
  }

  /** Compared with the table of all edits, which is slow and plain. */
  @Property
  void editsAreThoseOfTheWholeTable(@ForAll("words") String a, @ForAll("words") String b) {
    int limit = Math.max(1, a.length() / 3);
    boolean near = wholeTable(a, b) <= limit || b.startsWith(a);
    assertThat(Nearest.of(a, List.of(b)).isPresent()).isEqualTo(near);
  }

  @Provide
  Arbitrary<String> words() {
    return Arbitraries.strings().withChars("abc").ofMinLength(1).ofMaxLength(9);
  }

  private static String swapped(String name, int at) {
    List<String> letters = new ArrayList<>(Arrays.asList(name.split("")));
    if (at + 1 < letters.size()) {
      letters.add(at, letters.remove(at + 1));
    }
    return String.join("", letters);
  }

  private static int wholeTable(String a, String b) {
    int[][] edits = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        int same = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        edits[i][j] =
            Math.min(edits[i - 1][j - 1] + same, Math.min(edits[i - 1][j], edits[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          edits[i][j] = Math.min(edits[i][j], edits[i - 2][j - 2] + 1);
        }
      }
    }
    return edits[a.length()][b.length()];
  }
}
