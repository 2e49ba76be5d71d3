package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All that commands print with {@code --json} is as {@code docs/quant.schema.json} says. */
class JsonSchemaTest {

  private static JsonSchema schema;

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();

  @BeforeAll
  static void read() throws IOException {
    schema =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(Files.readString(Distribution.ROOT.resolve("docs/quant.schema.json")));
  }

  private JsonObject json(int code, String kind, Object... args) {
    List<Object> all = new ArrayList<>(Arrays.asList(args));
    all.add("--json");
    assertThat(quant.run(all.toArray())).as(quant.err()).isEqualTo(code);
    assertThat(schema.validate(quant.out(), InputFormat.JSON)).as(quant.out()).isEmpty();
    JsonObject json = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(json.get("kind").getAsString()).isEqualTo(kind);
    return json;
  }

  @Test
  void plansAndReports() throws IOException {
    Path llm = Models.llm(dir.resolve("llm"));
    Path one = dir.resolve("one");
    json(0, "plan", "quantize", llm, "-o", one, "--dry-run");
    json(0, "plans", "quantize", llm, "-o", one, "-o", dir.resolve("two"), "--dry-run");
    json(0, "report", "quantize", llm, "-o", one, "--scheme", "W8A8");
    json(0, "reports", "quantize", llm, "-o", dir.resolve("2"), "-o", dir.resolve("3"));
    json(4, "report", "quantize", llm, "-o", dir.resolve("4"), "--min-sqnr", "90");
    json(0, "inspection", "inspect", one);
    json(0, "inspection", "inspect", llm, "--hashes");
    json(0, "comparison", "compare", llm, one);
    json(0, "verification", "verify", one, "--against", llm);
    json(0, "verification", "verify", one);
  }

  @Test
  void runs() {
    Path out = dir.resolve("x.pt");
    Path script = Distribution.DIGITS_SCRIPT;
    JsonObject report = json(0, "report", "quantize", script, "-o", out);
    assertThat(report.get("run").isJsonObject()).isTrue();
    json(0, "run", "bench", script, out, "--rounds", "1");
  }

  @Test
  void calibrationsAndTunings() {
    Path script = Path.of("src/test/resources/digits/cnn.traced.pt");
    Path samples = Path.of("src/test/resources/digits/cnn.test.safetensors");
    json(
        0,
        "calibration",
        "calibrate",
        script,
        "-o",
        dir.resolve("c.safetensors"),
        "--sample",
        samples);
    JsonObject tune =
        json(0, "tune", "tune", script, "--sample", samples, "--target-size=0.95", "--max-runs=6");
    assertThat(tune.get("target").getAsString()).startsWith("at most 0.95 of the size");
    json(2, "failure", "tune", script, "--sample", samples);
  }

  @Test
  void pluginsAndTheDoctor() {
    json(0, "plugins", "plugins");
    json(0, "doctor", "doctor");
  }

  @Test
  void failures() {
    Path none = dir.resolve("none");
    json(3, "failure", "quantize", none, "-o", dir.resolve("x.safetensors"));
    json(3, "failure", "quantize", none, "-o", dir.resolve("x.safetensors"), "--dry-run");
    json(3, "failure", "inspect", none);
    json(3, "failure", "compare", none, none);
    json(3, "failure", "verify", none);
    json(3, "failure", "bench", none);
    json(2, "failure", "inspect", none, "--nosuch");
    JsonObject wrong =
        json(2, "failure", "quantize", Distribution.DIGITS, "-o", none, "--scheme", "in8");
    assertThat(wrong.getAsJsonArray("problems").toString()).contains("in8", "int8");
  }

  @Test
  void theSchemaRefusesWhatItDoesNotKnow() {
    JsonObject json = json(3, "failure", "inspect", dir.resolve("none"));
    json.addProperty("more", 1);
    assertThat(schema.validate(json.toString(), InputFormat.JSON)).isNotEmpty();
    json.remove("more");
    assertThat(schema.validate(json.toString(), InputFormat.JSON)).isEmpty();
    json.addProperty("kind", "report");
    assertThat(schema.validate(json.toString(), InputFormat.JSON)).isNotEmpty();
  }
}
