package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The HTML report in a browser. Leaves pictures in {@code target/pages}. */
class ReportPageTest {

  private static final Path PICTURES = Path.of("target", "pages");
  private static final String NAMES =
      "Array.from(document.querySelectorAll('table.sort tbody tr'))"
          + ".filter(row => !row.hidden).map(row => row.cells[1].textContent).join()";

  private static final String TOO_WIDE =
      "Array.from(document.querySelectorAll('.tiles b'))"
          + ".filter(number => number.scrollWidth > number.clientWidth).length";

  @TempDir(cleanup = CleanupMode.NEVER)
  private Path dir;

  private final InProcess quant = new InProcess();

  @BeforeEach
  void onlyInTheProfileFull() {
    assumeTrue(Boolean.getBoolean("quant.test.full"), "needs Chromium; the profile full runs it");
  }

  private static String click(String title) {
    return "Array.from(document.querySelectorAll('table.sort th button'))"
        + ".find(button => button.textContent === '"
        + title
        + "').click()";
  }

  @Test
  void thePageSortsFiltersAndFitsLightAndDarkWideAndNarrow() throws Exception {
    Path page = dir.resolve("report.html");
    assertThat(
            quant.run(
                "quantize",
                Distribution.DIGITS_SCRIPT,
                "-o",
                dir.resolve("x.pt"),
                "--min-sqnr=35",
                "--report",
                page))
        .as(quant.err())
        .isZero();
    try (Browser browser = new Browser(Files.createDirectory(dir.resolve("profile")))) {
      browser.size(1280, 900);
      browser.show(page);
      assertThat(browser.evaluate("document.querySelectorAll('svg').length").getAsInt())
          .isEqualTo(4);
      browser.evaluate(click("SQNR dB"));
      String worstFirst = "classifier.1.weight,features.3.weight,classifier.4.weight";
      assertThat(browser.evaluate(NAMES).getAsString()).isEqualTo(worstFirst);
      browser.evaluate(click("weight"));
      assertThat(browser.evaluate(NAMES).getAsString())
          .isEqualTo("classifier.1.weight,classifier.4.weight,features.3.weight");
      browser.evaluate(
          "var input = document.querySelector('.filter input'); input.value = 'conv int8';"
              + " input.dispatchEvent(new Event('input'))");
      assertThat(browser.evaluate(NAMES).getAsString()).isEqualTo("features.3.weight");
      assertThat(
              browser.evaluate("document.querySelector('.filter span').textContent").getAsString())
          .isEqualTo("1 of 3 rows");
      browser.show(page);
      pictures(browser, "report");
    }
  }

  @Test
  void theCurveOfTuneShowsTheChosenPointLightAndDarkWideAndNarrow() throws Exception {
    Path page = dir.resolve("tune.html");
    assertThat(
            quant.run(
                "tune",
                "src/test/resources/digits/cnn.traced.pt",
                "--sample=src/test/resources/digits/cnn.test.safetensors",
                "--target-cosine=0.9995",
                "--option=mode=dynamic",
                "--option=small=0",
                "--report",
                page))
        .as(quant.err())
        .isZero();
    try (Browser browser = new Browser(Files.createDirectory(dir.resolve("profile")))) {
      browser.size(1280, 900);
      browser.show(page);
      assertThat(browser.evaluate("document.querySelectorAll('svg').length").getAsInt())
          .isEqualTo(2);
      assertThat(browser.evaluate("document.querySelectorAll('polyline.curve').length").getAsInt())
          .isEqualTo(2);
      assertThat(
              browser
                  .evaluate("document.querySelector('svg circle.s2 title').textContent")
                  .getAsString())
          .startsWith("chosen: ")
          .contains("bits for each number", "measured");
      assertThat(browser.evaluate("document.querySelectorAll('td.good').length").getAsInt())
          .isEqualTo(1);
      browser.evaluate(click("cost"));
      assertThat(browser.evaluate(NAMES).getAsString().split(",")).hasSize(4);
      browser.show(page);
      pictures(browser, "tune");
    }
  }

  @Test
  void withoutJavaScriptThePageIsComplete() throws Exception {
    Path page = dir.resolve("report.html");
    assertThat(
            quant.run(
                "quantize",
                Distribution.DIGITS,
                "-o",
                dir.resolve("x.safetensors"),
                "--min-sqnr=42",
                "--report",
                page))
        .isEqualTo(4);
    try (Browser browser = new Browser(Files.createDirectory(dir.resolve("profile")))) {
      browser.call("Emulation.setScriptExecutionDisabled", "{\"value\":true}");
      browser.size(1280, 900);
      browser.show(page);
      assertThat(browser.evaluate("document.querySelector('.filter')").isJsonNull()).isTrue();
      assertThat(browser.evaluate(NAMES).getAsString().split(",")).hasSize(4);
      assertThat(browser.evaluate("document.body.innerText").getAsString())
          .contains("Refused", "missed", "classifier.1.weight has an SQNR of 41.28 dB");
      browser.picture(PICTURES.resolve("report-refused-without-script.png"));
    }
  }

  /** The names of tensors come from a file that anybody may have made. */
  @Test
  void namesOfAModelAreNeverRun() throws Exception {
    String evil =
        "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>";
    Path model = dir.resolve("m.safetensors");
    write(model, evil + ".weight");
    Path page = dir.resolve("report.html");
    assertThat(
            quant.run(
                "quantize",
                model,
                "-o",
                dir.resolve("x.safetensors"),
                "--layer",
                "*=Linear",
                "--report",
                page))
        .as(quant.err())
        .isZero();
    try (Browser browser = new Browser(Files.createDirectory(dir.resolve("profile")))) {
      browser.show(page);
      assertThat(browser.evaluate("document.title").getAsString()).startsWith("Quantization of");
      assertThat(browser.evaluate("document.images.length").getAsInt()).isZero();
      assertThat(browser.evaluate("document.scripts.length").getAsInt()).isEqualTo(1);
      assertThat(browser.evaluate(NAMES).getAsString()).isEqualTo(evil + ".weight");
      // The policy of the page refuses a script that would get in all the same.
      browser.evaluate(
          "var s = document.createElement('script'); s.textContent = \"document.title='owned'\";"
              + " document.body.appendChild(s)");
      assertThat(browser.evaluate("document.title").getAsString()).startsWith("Quantization of");
    }
  }

  /** Takes a picture of the page in both schemes and two widths. */
  private static void pictures(Browser browser, String name) throws Exception {
    for (String scheme : List.of("light", "dark")) {
      browser.call(
          "Emulation.setEmulatedMedia",
          "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"" + scheme + "\"}]}");
      assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor").getAsString())
          .isEqualTo(scheme.equals("dark") ? "rgb(20, 23, 27)" : "rgb(255, 255, 255)");
      for (int width : new int[] {1280, 390}) {
        browser.size(width, 900);
        // Only tables scroll to the side, in their own frames.
        assertThat(browser.evaluate("document.documentElement.scrollWidth").getAsInt())
            .isLessThanOrEqualTo(width);
        assertThat(browser.evaluate(TOO_WIDE).getAsInt()).as("tiles").isZero();
        browser.picture(PICTURES.resolve(name + "-" + scheme + "-" + width + ".png"));
      }
    }
    assertThat(PICTURES.toFile().list()).contains(name + "-dark-390.png");
  }

  private static void write(Path file, String name) throws IOException {
    byte[] header =
        ("{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[16,16],\"data_offsets\":[0,1024]}}")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer model = ByteBuffer.allocate(8 + header.length + 1024).order(ByteOrder.LITTLE_ENDIAN);
    model.putLong(header.length).put(header);
    for (int i = 0; i < 256; i++) {
      model.putFloat((float) Math.sin(i));
    }
    Files.write(file, model.array());
  }
}
