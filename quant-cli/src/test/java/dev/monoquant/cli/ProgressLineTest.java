package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.control.Progress.Stage;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

  private final StringWriter text = new StringWriter();
  private long nanos = 1L << 40;

  private ProgressLine line(boolean terminal) {
    return new ProgressLine(new PrintWriter(text), "quantizing", terminal ? 80 : 0, () -> nanos);
  }

  private void run(ProgressLine line, int seconds) {
    for (int i = 1; i <= 100; i++) {
      nanos += seconds * 10_000_000L;
      line.update(Stage.PROCESSING, i * 1_000_000L, 100_000_000L, "layer." + i);
    }
    line.update(Stage.COMMITTING, 0, 0, "out");
    line.clear();
  }

  @Test
  void aShortRunSaysNothingInALog() {
    run(line(false), 1);
    assertThat(text.toString()).isEmpty();
  }

  @Test
  void aLongRunSaysALineForEveryTenth() {
    run(line(false), 50);
    assertThat(text.toString().lines())
        .hasSize(11)
        .startsWith(
            "quantizing: 10% of 95.4 MiB, 2.1 MiB/s, 41 s left",
            "quantizing: 20% of 95.4 MiB, 2.0 MiB/s, 38 s left")
        .endsWith("quantizing: 100% of 95.4 MiB, 1.9 MiB/s, 0 s left", "flushing and checking");
    assertThat(text.toString()).doesNotContain("\r", "\u001b");
  }

  @Test
  void aVeryLongRunSaysALineForEveryTenSeconds() {
    run(line(false), 1000);
    assertThat(text.toString().lines())
        .hasSize(101)
        .contains("quantizing: 13% of 95.4 MiB, 0.1 MiB/s, 13 min left");
  }

  /** A child's progress is read many times a second, whether it is new or not. */
  @Test
  void whatIsToldAgainIsSaidOnceInALog() {
    ProgressLine line = line(false);
    run(line, 50);
    for (int i = 0; i < 3; i++) {
      line.update(Stage.RUNNING, 0, 0, "loading a.pt");
    }
    line.update(Stage.RUNNING, 0, 0, "loading b.pt");
    assertThat(text.toString())
        .endsWith("checking\nrunning: loading a.pt\nrunning: loading b.pt\n");
  }

  @Test
  void aTerminalHasOneLineThatIsGoneInTheEnd() {
    run(line(true), 50);
    assertThat(text.toString()).doesNotContain("\n").endsWith("\r\u001b[K");
    assertThat(text.toString())
        .contains(
            "quantizing [###",
            "] 100% of 95.4 MiB, 1.9 MiB/s, 0 s left layer.100",
            "flushing and checking");
  }

  @Test
  void aTerminalIsNotDrawnMoreThanTenTimesASecond() {
    run(line(true), 1);
    assertThat(text.toString().split("quantizing", -1)).hasSizeBetween(9, 12);
  }

  /** A line that is longer than the terminal is wide breaks, and cannot be drawn over. */
  @Test
  void aLongNameIsCutToTheWidthOfATerminal() {
    ProgressLine line = line(true);
    line.update(Stage.PROCESSING, 1, 2, "model.layers.0." + "a".repeat(100) + ".weight");
    String drawn = text.toString().substring(ERASE.length());
    assertThat(drawn).hasSize(79).endsWith("a.weight").contains(" 50% of 0.0 MiB ...a");
  }

  @Test
  void aWideTerminalShowsLongNames() {
    String name = "model.layers.0." + "a".repeat(50) + ".weight";
    ProgressLine line = new ProgressLine(new PrintWriter(text), "quantizing", 132, () -> nanos);
    line.update(Stage.PROCESSING, 1, 2, name);
    assertThat(text.toString()).endsWith(name);
    StringWriter narrow = new StringWriter();
    new ProgressLine(new PrintWriter(narrow), "quantizing", 60, () -> nanos)
        .update(Stage.PROCESSING, 1, 2, name);
    assertThat(narrow.toString().substring(ERASE.length())).hasSize(59).endsWith("a.weight");
  }

  @Test
  void theSummaryHasTimeAndSpeed() {
    ProgressLine line = line(false);
    nanos += 10_000_000_000L;
    assertThat(line.summary()).isEqualTo("10.0 s");
    line.update(Stage.PROCESSING, 100 << 20, 100 << 20, "a");
    line.update(Stage.COMMITTING, 0, 0, "a");
    assertThat(line.summary()).isEqualTo("10.0 s, 10.0 MiB/s");
  }

  private static final String ERASE = "\r\u001b[K";

  @Test
  void aLongNameDoesNotWrapTheLine() {
    String name = "model.vision_tower.encoder.layers.23.self_attn.out_proj.projection.weight";
    for (String work : new String[] {"quantizing", "verifying", "decoding"}) {
      StringWriter drawn = new StringWriter();
      ProgressLine line = new ProgressLine(new PrintWriter(drawn), work, 80, () -> nanos);
      nanos += 1_000_000_000L;
      line.update(Stage.PROCESSING, 1, 1, name);
      String shown = drawn.toString().replace("\r\u001b[K", "");
      assertThat(shown).hasSize(79).startsWith(work + " [####").endsWith("projection.weight");
    }
  }

  @Test
  void aHostileNameIsNotObeyed() {
    ProgressLine line = line(true);
    line.update(Stage.PROCESSING, 1, 2, "a\u001b[2Jb");
    assertThat(text.toString()).contains("a\\u001b[2Jb");
  }

  @Test
  void aRunSideBySideIsToldAndFits() {
    ProgressLine line = line(true);
    line.update(Stage.RUNNING, 0, 0, "loading out.pt");
    assertThat(text.toString()).endsWith("running: loading out.pt");
    nanos += 2_000_000_000L;
    line.update(Stage.RUNNING, 1, 4, "x.npz");
    assertThat(text.toString())
        .endsWith("running [##........]  25% of 4 samples, 0.5 samples/s, 6 s left x.npz");
    nanos += 2_000_000_000L;
    line.update(Stage.TIMING, 0, 101, "2 models");
    nanos += 4_000_000_000L;
    line.update(Stage.TIMING, 40, 101, "2 models");
    assertThat(text.toString())
        .endsWith("timing [###.......]  39% of 101 rounds, 10.0 rounds/s, 6 s left 2 models");
  }

  @Test
  void aLongRunSideBySideIsLinesInALog() {
    ProgressLine line = line(false);
    line.update(Stage.RUNNING, 0, 0, "loading out.pt");
    line.update(Stage.TIMING, 0, 1, "2 models");
    nanos += 11_000_000_000L;
    line.update(Stage.TIMING, 1, 1, "2 models");
    assertThat(text.toString().lines())
        .containsExactly("timing: 100% of 1 round, 0.1 rounds/s, 0 s left");
  }

  @Test
  void aHugeRunStaysInItsLine() {
    ProgressLine line = line(true);
    line.update(Stage.STATISTICS, 1, 1L << 50, "a.weight");
    nanos += 3_000_000_000L;
    line.update(Stage.STATISTICS, 1L << 45, 1L << 50, "a.weight");
    String[] drawn = text.toString().split("\r", -1);
    assertThat(drawn[drawn.length - 1].replace("\u001b[K", "").length()).isLessThanOrEqualTo(79);
  }
}
