package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TerminalTest {

  private static final Map<String, String> XTERM = Map.of("TERM", "xterm");
  private static final String TEXT =
      """
      gate min-sqnr 30.00 passed: passed has an SQNR of 41.00 dB
      gate min-cosine 0.900000 missed: it is 0.8
      warning: x: a thing. Do another
        an indented line
      """;

  @Test
  void whatNobodyWatchesIsLeftAsItIs() {
    for (String told : new String[] {"", "0", "wide"}) {
      assertThat(Terminal.of(told, XTERM).show(TEXT)).isEqualTo(TEXT);
    }
  }

  @Test
  void coloursNeedATerminalAndNobodyAgainstThem() {
    String shown = Terminal.of("120", XTERM).show(TEXT);
    assertThat(shown)
        .contains(
            "30.00 \u001b[32mpassed\u001b[0m: passed has",
            "\u001b[31mmissed\u001b[0m: it",
            "\u001b[33mwarning\u001b[0m: x");
    assertThat(shown.replaceAll("\u001b\\[[0-9]+m", "")).isEqualTo(TEXT);
    for (Map<String, String> plain :
        List.of(
            Map.of("TERM", "xterm", "NO_COLOR", "1"),
            Map.of("TERM", "xterm", "CI", "true"),
            Map.of("TERM", "dumb"),
            Map.<String, String>of())) {
      assertThat(Terminal.of("120", plain).show(TEXT)).isEqualTo(TEXT);
    }
  }

  @Test
  void anIndentAsWideAsTheTerminalLeavesPlaceForText() {
    for (int indent : new int[] {38, 39, 40, 60, 1000}) {
      String shown = Terminal.of("40", Map.of()).show(" ".repeat(indent) + "k".repeat(50));
      assertThat(shown.lines()).allMatch(line -> line.length() <= 40);
      assertThat(shown.replaceAll("\\s", "")).isEqualTo("k".repeat(50));
    }
  }

  @Test
  void linesBreakAtBlanksAndGoOnIndented() {
    String shown = Terminal.of("40", Map.of()).show(TEXT);
    assertThat(shown.lines()).allMatch(line -> line.length() <= 40);
    assertThat(shown)
        .startsWith("gate min-sqnr 30.00 passed: passed has\n  an SQNR of 41.00 dB\n")
        .endsWith("\n  an indented line\n");
    assertThat(Terminal.of("40", Map.of()).show("a".repeat(100)))
        .isEqualTo("a".repeat(40) + "\n  " + "a".repeat(38) + "\n  " + "a".repeat(22) + "\n");
  }
}
