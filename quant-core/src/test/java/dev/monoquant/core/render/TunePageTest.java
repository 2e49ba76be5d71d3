package dev.monoquant.core.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.TuneReport;
import dev.monoquant.core.report.TuneReport.Chosen;
import dev.monoquant.core.report.TuneReport.Size;
import dev.monoquant.core.report.TuneRunReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class TunePageTest {

  private static final String EVIL = "<script>alert(1)</script>\"'&|`*_";

  private static TuneRunReport report(int layers) {
    List<Chosen> families = new ArrayList<>();
    List<Size> curve = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      families.add(new Chosen(List.of(EVIL + i), i == 0 ? "float" : "int4 group:32", i * 1e-4));
      curve.add(
          new Size(0.1 + 0.8 * i / layers, 4, 0.99 + 0.01 * i / layers, OptionalDouble.empty()));
    }
    Size chosen = new Size(0.2, 4.5, 0.995, OptionalDouble.of(0.9949));
    curve.set(1, chosen);
    TuneReport tuned =
        new TuneReport(
            QuantizationConfig.builder().scheme("int4").build(),
            families,
            curve,
            chosen,
            0.001,
            List.of(EVIL));
    return new TuneRunReport(
        "monoquant 1", EVIL, "a cosine of at least 0.99", tuned, Duration.ofMillis(1500));
  }

  @Test
  void namesAreNoMarkupInAnyForm() {
    String page = ReportForm.HTML.render(report(3));
    assertThat(page)
        .contains("Asked for: a cosine of at least 0.99.", "20.00 % of the size", "0.994900")
        .contains("2 of 3 layers", "at most 1.00e-03 above the least", "class=\"curve\"")
        .doesNotContain("<script>alert");
    assertThat(ReportForm.HTML.isReport(page)).isTrue();
    String summary = ReportForm.MARKDOWN.render(report(3));
    assertThat(summary)
        .contains("| float | 1 |", "| int4 group&#58;32 | 2 |", "1 note")
        .doesNotContain("<script>");
    assertThat(ReportForm.MARKDOWN.isReport(summary)).isTrue();
    String text = ReportForm.JSON.render(report(3));
    assertThat(ReportForm.JSON.isReport(text)).isTrue();
    JsonObject json = JsonParser.parseString(text).getAsJsonObject();
    assertThat(json.get("input").getAsString()).isEqualTo(EVIL);
    assertThat(json.getAsJsonObject("chosen").get("measured").getAsDouble()).isEqualTo(0.9949);
    assertThat(json.getAsJsonObject("configuration").toString()).contains("int4");
    assertThat(json.getAsJsonObject("timing").get("elapsed_seconds").getAsDouble()).isEqualTo(1.5);
  }

  @Test
  void aTuningHasNoTestCases() {
    assertThatThrownBy(() -> ReportForm.JUNIT.render(report(3)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(".json, .html or .md");
  }

  @Test
  void thePageIsBounded() {
    assertThat(ReportForm.HTML.render(report(20_000)))
        .hasSizeLessThan(2_000_000)
        .contains("and 18000 more; the JSON form has all");
    assertThat(ReportForm.MARKDOWN.render(report(20_000))).hasSizeLessThan(5000);
  }
}
