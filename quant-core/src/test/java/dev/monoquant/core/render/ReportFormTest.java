package dev.monoquant.core.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class ReportFormTest {

  private static final String EVIL = "<script>alert(1)</script>\"'&|`*_]]>\u202e\u0007";

  private static final GateResult MISSED =
      new GateResult(GateResult.MIN_SQNR, 40, 30, false, true, "b has an SQNR of 30.00 dB");

  private static Element xml(RunReport run) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(ReportForm.JUNIT.render(run))))
        .getDocumentElement();
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  @Test
  void theNameOfAFileChoosesTheForm() {
    assertThat(ReportForm.of(Path.of("a/b.json"))).isEqualTo(ReportForm.JSON);
    assertThat(ReportForm.of(Path.of("b.HTML"))).isEqualTo(ReportForm.HTML);
    assertThat(ReportForm.of(Path.of("b.htm"))).isEqualTo(ReportForm.HTML);
    assertThat(ReportForm.of(Path.of("TEST-b.xml"))).isEqualTo(ReportForm.JUNIT);
    assertThat(ReportForm.of(Path.of("b.md"))).isEqualTo(ReportForm.MARKDOWN);
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "b.txt", "b.json.", "html", "a.json/b"})
  void anyOtherNameIsRefused(String name) {
    assertThatThrownBy(() -> ReportForm.of(Path.of(name)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(".json, .html, .xml, .md");
  }

  @ParameterizedTest
  @EnumSource
  void aReportIsKnownByItsStart(ReportForm form) {
    RunReport one = Runs.of("m", Runs.report(List.of(), List.of(), List.of()));
    RunReport failed = Runs.failed("m", Problem.error("", "why", ""));
    for (RunReport run : List.of(one, failed)) {
      String text = form.render(run);
      String start = text.substring(0, Math.min(text.length(), ReportForm.START_LENGTH));
      for (ReportForm other : ReportForm.values()) {
        assertThat(other.isReport(start)).as(other.name()).isEqualTo(other == form);
      }
    }
    assertThat(form.isReport("")).isFalse();
    assertThat(ReportForm.JSON.isReport("{\n  \"schema\": 1,\n  \"kind\": \"plan\",")).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void nothingOfAModelIsMarkup(ReportForm form) {
    Report report =
        Runs.report(
            List.of(Runs.weight(EVIL, 1)),
            List.of(Runs.kept("k" + EVIL, "r" + EVIL)),
            List.of(new GateResult(EVIL, 1, 2, true, false, EVIL)));
    Report told = report.with(List.of(Problem.warning(EVIL, EVIL, EVIL)), Optional.empty());
    for (RunReport run :
        List.of(Runs.of(EVIL, told), Runs.failed(EVIL, Problem.error(EVIL, EVIL, EVIL)))) {
      String text = form.render(run);
      if (form == ReportForm.JSON) {
        assertThat(JsonParser.parseString(text).isJsonObject()).isTrue();
      } else {
        assertThat(text).doesNotContain("\u202e", "\u0007", "alert(1)</", "<script>alert", "]]>");
      }
      assertThat(form.isReport(text)).isTrue();
    }
  }

  @Test
  void testResultsHaveACaseForEachGateAndWeight() throws Exception {
    Report report =
        Runs.report(
            List.of(Runs.weight("a", 0.01), Runs.weight("b", 1)), List.of(), List.of(MISSED));
    Element suites = xml(Runs.of("m", report));
    assertThat(suites.getAttribute("tests")).isEqualTo("3");
    assertThat(suites.getAttribute("failures")).isEqualTo("2");
    assertThat(suites.getAttribute("time")).isEqualTo("1.500");
    NodeList cases = suites.getElementsByTagName("testcase");
    List<String> names = new ArrayList<>();
    List<Boolean> failed = new ArrayList<>();
    for (int i = 0; i < cases.getLength(); i++) {
      Element one = (Element) cases.item(i);
      names.add(one.getAttribute("classname") + " " + one.getAttribute("name"));
      failed.add(one.getElementsByTagName("failure").getLength() > 0);
    }
    assertThat(names).containsExactly("quant.gates min-sqnr", "quant.weights a", "quant.weights b");
    assertThat(failed).containsExactly(true, false, true);
    assertThat(suites.getTextContent())
        .contains("SQNR 50.00 dB (at least 40.00), cosine 0.999990, max error 1.000e-02 (at most")
        .contains("min-sqnr: 30.00, at least 40.00");
  }

  @Test
  void aGateOfTheWholeModelIsNoLimitOfWeights() throws Exception {
    for (double value : new double[] {45, 35}) {
      GateResult outputs =
          new GateResult(GateResult.MIN_SQNR, 40, value, value >= 40, false, "outputs");
      List<WeightReport> weights = List.of(Runs.weight("a", 0.01), Runs.weight("b", 1));
      RunReport run = Runs.of("m", Runs.report(weights, List.of(), List.of(outputs)));
      Element suites = xml(run);
      assertThat(suites.getAttribute("failures")).isEqualTo(value >= 40 ? "0" : "1");
      assertThat(suites.getTextContent()).doesNotContain("at least");
      assertThat(ReportForm.HTML.render(run)).doesNotContain("Dashed");
    }
  }

  @Test
  void anOutputIsNoSuccessIfAnotherIsRefused() {
    Report good = Runs.report(List.of(Runs.weight("a", 1)), List.of(), List.of());
    Report bad = Runs.report(List.of(Runs.weight("b", 1)), List.of(), List.of(MISSED));
    String page = ReportForm.MARKDOWN.render(Runs.of("m", good, bad));
    assertThat(count(page, "Nothing was written")).isEqualTo(2);
    assertThat(page).contains("another output was refused").doesNotContain("✅");
    assertThat(ReportForm.MARKDOWN.render(Runs.of("m", good, good)))
        .contains("✅")
        .doesNotContain("Nothing was written");
  }

  @Test
  void aRunWithoutResultsIsAFailure() throws Exception {
    RunReport run = Runs.failed("m", Problem.error("fc", "is odd", "Do this"));
    assertThat(xml(run).getAttribute("failures")).isEqualTo("1");
    assertThat(xml(run).getTextContent()).contains("fc: is odd. Do this");
    assertThat(ReportForm.MARKDOWN.render(run)).contains("❌", "fc&#58; is odd. Do this");
    assertThat(ReportForm.HTML.render(run)).contains("Failed", "is odd", "Do this");
    JsonObject json = JsonParser.parseString(ReportForm.JSON.render(run)).getAsJsonObject();
    assertThat(json.get("kind").getAsString()).isEqualTo("failure");
    assertThat(json.getAsJsonArray("problems")).hasSize(1);
  }

  @Test
  void aPageShowsTheMissedGateTheWeightsAndWhereTheyCameFrom() {
    String page =
        ReportForm.HTML.render(
            Runs.of(
                "m",
                Runs.report(
                    List.of(Runs.weight("a", 0.01), Runs.weight("b", 0)),
                    List.of(Runs.kept("bias", "a bias")),
                    List.of(MISSED))));
    assertThat(page)
        .contains("Refused", "missed", "b has an SQNR of 30.00 dB", "<code>a</code>", "a bias")
        .contains("Error against depth", "Error against size", "Size by kind")
        .contains("out-0.safetensors", "&quot;scheme&quot;: &quot;int8&quot;", "monoquant 1")
        .contains("At the top: no error.")
        .doesNotContain("Outputs of original and result", "http:", "https:");
    assertThat(count(page, "<circle")).isEqualTo(4);
  }

  @Test
  void outputsOfModelsThatRanAreAChart() {
    ErrorStatistics errors = new ErrorStatistics(3, 1, 0.1, 1, 1, 0.1);
    RunResult.Spread spread = new RunResult.Spread(1, 1, 1);
    List<RunResult.Pair> pairs =
        List.of(
            new RunResult.Pair(1, 1.1),
            new RunResult.Pair(-1e308, 1e308),
            new RunResult.Pair(Double.NaN, 1));
    RunResult a = new RunResult("a", 1, 2, 2, spread, 1, 1, errors, errors, 0, List.of());
    RunResult b = new RunResult("b", 1, 1, 1, spread, 1, 1, errors, errors, 0, pairs);
    Report report =
        Runs.report(List.of(), List.of(), List.of())
            .with(List.of(), Optional.of(new RunComparison("in.npz", 5, List.of(a, b), List.of())));
    String page = ReportForm.HTML.render(Runs.of("m", report));
    assertThat(page).contains("Outputs of original and result", "in.npz", "2.00x the speed");
    assertThat(count(page, "<circle")).isEqualTo(2);
    assertThat(page).doesNotContain("NaN", "Infinity");
  }

  @Test
  void manyWeightsMakeNoLongPage() throws Exception {
    List<WeightReport> weights = new ArrayList<>();
    List<UnquantizedTensor> kept = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      weights.add(Runs.weight("model.layers." + i + ".weight", 1e-6 * (100_000 - i)));
      kept.add(Runs.kept("model.layers." + i + ".bias", "reason " + i));
    }
    RunReport run = Runs.of("m", Runs.report(weights, kept, List.of(MISSED)));
    String page = ReportForm.HTML.render(run);
    assertThat(page.length()).isLessThan(3_000_000);
    assertThat(page)
        .contains("The 2000 of 100000 weights with the lowest SQNR", "and 99900 more reasons")
        .contains("model.layers.0.weight")
        .doesNotContain("model.layers.2000.weight");
    assertThat(ReportForm.MARKDOWN.render(run).length()).isLessThan(5_000);
    assertThat(xml(run).getAttribute("tests")).isEqualTo("100001");
  }

  /** The names in the rows of the table, in their order. */
  private static List<String> rows(WeightReport... weights) {
    String page =
        ReportForm.HTML.render(Runs.of("m", Runs.report(List.of(weights), List.of(), List.of())));
    return Pattern.compile(
            "<td class=\"n\" data-v=\"[0-9.]+\">(\\d+)</td><td class=\"name\"><code>([^<]+)<")
        .matcher(page)
        .results()
        .map(row -> row.group(1) + " " + row.group(2))
        .toList();
  }

  @Test
  void theDepthOfWeightsThatAreListedByNameIsThatOfTheNumbersInTheirNames() {
    WeightReport two = Runs.weight("h.2.w", 1);
    WeightReport ten = Runs.weight("h.10.w", 1);
    WeightReport last = Runs.weight("z", 1);
    assertThat(rows(ten, two, last)).containsExactly("1 h.2.w", "2 h.10.w", "3 z");
    assertThat(rows(last, ten, two)).containsExactly("1 z", "2 h.10.w", "3 h.2.w");
  }

  @Test
  void severalOutputsShareOnePage() {
    Report report = Runs.report(List.of(Runs.weight("a", 1)), List.of(), List.of());
    RunReport run = Runs.of("m", report, report);
    assertThat(ReportForm.HTML.render(run))
        .contains("href=\"#output-2\"", "id=\"output-1\"", "id=\"output-2\"", "out-1.safetensors");
    JsonObject json = JsonParser.parseString(run.toJson()).getAsJsonObject();
    assertThat(json.get("kind").getAsString()).isEqualTo("reports");
    assertThat(json.getAsJsonObject("timing").get("elapsed_seconds").getAsDouble()).isEqualTo(1.5);
    json.remove("timing");
    assertThat(json.toString()).doesNotContain("seconds");
  }

  @Test
  void equalRunsGiveEqualReportsExceptForTheTime() {
    Report report = Runs.report(List.of(Runs.weight("a", 1)), List.of(), List.of());
    JsonObject json = JsonParser.parseString(Runs.of("m", report).toJson()).getAsJsonObject();
    assertThat(json.remove("timing")).isNotNull();
    assertThat(json.keySet())
        .containsSubsequence("tool", "inputs", "target", "configuration", "files", "input");
    assertThat(json.getAsJsonObject("configuration").toString()).isEqualTo("{\"scheme\":\"int8\"}");
  }
}
