package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The guides show the code of the examples, and nothing that no build has seen. */
class GuidesTest {

  static List<Path> guides() {
    return Guides.all();
  }

  static List<Path> pages() {
    return Stream.concat(guides().stream(), Stream.of(Guides.ROOT.resolve("README.md"))).toList();
  }

  static Stream<Guides.Block> code() {
    return guides().stream()
        .flatMap(guide -> Guides.blocks(guide).stream())
        .filter(block -> List.of("java", "xml").contains(block.language()));
  }

  @ParameterizedTest
  @MethodSource("code")
  void codeIsThatOfAnExample(Guides.Block block) {
    assertThat(block.file()).as("a file marker before the block").isPresent();
    assertThat("\n" + Guides.text(block.file().orElseThrow())).contains("\n" + block.text());
  }

  @ParameterizedTest
  @MethodSource("pages")
  void linksLeadSomewhere(Path guide) {
    List<String> targets =
        Pattern.compile("\\]\\(([^)#\\s]+)\\)")
            .matcher(Guides.text(guide))
            .results()
            .map(match -> match.group(1))
            .toList();
    for (String target : targets) {
      assertThat(guide.resolveSibling(target)).exists();
    }
  }

  /** The site has a page for each Markdown file, at the same place. */
  @Test
  void theMenuOfTheSiteHasEveryGuideAndNothingElse() {
    List<String> menu =
        Pattern.compile("href=\"([^\"]+)\\.html\"")
            .matcher(Guides.text(Guides.ROOT.resolve("src/site/site.xml")))
            .results()
            .map(match -> match.group(1) + ".md")
            .filter(page -> !page.equals("search.md") && !page.startsWith("apidocs/"))
            .toList();
    List<String> pages =
        new ArrayList<>(pages().stream().map(p -> Guides.ROOT.relativize(p).toString()).toList());
    pages.add("CHANGELOG.md");
    assertThat(menu).containsExactlyInAnyOrderElementsOf(pages);
  }

  @Test
  void theSchemeGuideShowsWholeFiles() {
    Path guide = Guides.ROOT.resolve("docs/write-a-scheme.md");
    Path example = Guides.ROOT.resolve("examples/power-of-two");
    List<Path> whole =
        Guides.blocks(guide).stream()
            .filter(block -> block.file().isPresent())
            .filter(block -> block.file().get().startsWith(example))
            .filter(block -> block.text().equals(Guides.text(block.file().get())))
            .map(block -> example.relativize(block.file().get()))
            .toList();
    assertThat(whole)
        .containsExactly(
            Path.of("pom.xml"),
            Path.of("src/main/java/com/example/pow2/PowerOfTwo.java"),
            Path.of("src/main/resources/META-INF/services/dev.monoquant.spi.Scheme"),
            Path.of("src/test/java/com/example/pow2/PowerOfTwoTest.java"),
            Path.of("src/test/resources/junit-platform.properties"));
  }

  /** The test kit tries itself on the scheme of the guide too: one class, in two places. */
  @Test
  void theSchemeOfTheTestKitIsThatOfTheExample() {
    String kit = "quant-testkit/src/test/java/dev/monoquant/testkit/example/";
    String example = "examples/power-of-two/src/";
    assertThat(code(kit + "PowerOfTwo.java"))
        .isEqualTo(code(example + "main/java/com/example/pow2/PowerOfTwo.java"));
  }

  /** The code as it is but for where it stands, how it is registered and whose it is. */
  private static String code(String file) {
    return Guides.text(Guides.ROOT.resolve(file))
        .replaceAll("(?m)^package .*\\n", "")
        .replace("import com.google.auto.service.AutoService;\n", "")
        .replace("@AutoService(Scheme.class)\n", "")
        .replace("acme", "example");
  }

  /** Their guide says so: one project is that of the other under another name. */
  @Test
  void theInputFormatIsBuiltAsTheSchemeIs() {
    String core =
        """
            <!-- For the test that inspects a model: the pipeline. -->
            <dependency>
              <groupId>dev.monoquant</groupId>
              <artifactId>quant-core</artifactId>
              <scope>test</scope>
            </dependency>
        """;
    assertThat(unnamed("flat-format")).contains(core);
    assertThat(unnamed("flat-format").replace(core, "")).isEqualTo(unnamed("power-of-two"));
  }

  /** Its guide says so. */
  @Test
  void theMethodIsBuiltAsTheSchemeIs() {
    assertThat(unnamed("coordinate-descent")).isEqualTo(unnamed("power-of-two"));
  }

  /** Their guide says so: it needs the output transaction instead of the interfaces alone. */
  @Test
  void theOutputFormatIsBuiltAsTheSchemeIs() {
    String scheme = unnamed("power-of-two");
    assertThat(
            unnamed("slab-format")
                .replace("quant-files", "quant-api")
                .replace(" and the output transaction.", "."))
        .isEqualTo(scheme);
  }

  private static String unnamed(String example) {
    return Guides.text(Guides.ROOT.resolve("examples").resolve(example).resolve("pom.xml"))
        .replaceAll("<name>.*</name>", "")
        .replaceFirst("<artifactId>" + example + "</artifactId>", "");
  }

  /** It is installed without the parent and its properties, so that it says versions itself. */
  @Test
  void theBomHasTheReleasesOfDjlThatAreTestedHere() {
    String parent = Guides.text(Guides.ROOT.resolve("pom.xml"));
    String bom = Guides.text(Guides.ROOT.resolve("quant-bom/pom.xml"));
    assertThat(versions(bom, "api", "pytorch-engine")).containsOnly(property(parent, "djl"));
    assertThat(versions(bom, "pytorch-jni")).containsExactly(property(parent, "pytorch-jni"));
    assertThat(versions(bom, "pytorch-native-cpu")).containsOnly(property(parent, "pytorch"));
    assertThat(bom)
        .contains("linux-x86_64", "linux-aarch64", "osx-aarch64", "win-x86_64")
        .doesNotContainPattern("\\$\\{(?!project\\.)");
  }

  private static String property(String pom, String name) {
    return pom.replaceFirst("(?s).*?<" + name + "\\.version>([^<]+)<.*", "$1");
  }

  private static List<String> versions(String pom, String... artifacts) {
    return Pattern.compile(
            "<groupId>ai\\.djl[^<]*</groupId>\\s*<artifactId>("
                + String.join("|", artifacts)
                + ")</artifactId>\\s*<version>([^<]+)<")
        .matcher(pom)
        .results()
        .map(match -> match.group(2))
        .toList();
  }

  @Test
  void everyExampleUsesThisVersion() throws IOException {
    String own = Guides.text(Guides.ROOT.resolve("quant-examples/pom.xml"));
    String version = own.replaceAll("(?s).*?<version>([^<]+)</version>.*", "$1");
    String listed = Guides.text(Guides.ROOT.resolve("examples/projects.xml"));
    try (Stream<Path> folders = Files.list(Guides.ROOT.resolve("examples"))) {
      List<Path> projects =
          folders.filter(folder -> Files.exists(folder.resolve("pom.xml"))).toList();
      assertThat(projects).hasSizeGreaterThanOrEqualTo(5);
      for (Path project : projects) {
        assertThat(Guides.text(project.resolve("pom.xml")))
            .contains("<quant.version>" + version + "</quant.version>");
        assertThat(listed).contains("<module>" + project.getFileName() + "</module>");
      }
    }
  }
}
