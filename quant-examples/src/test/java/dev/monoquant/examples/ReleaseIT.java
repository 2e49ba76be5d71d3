package dev.monoquant.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a release has besides classes is whole: with the profiles {@code full} and {@code release}.
 */
class ReleaseIT {

  private static final String[] LIBRARIES = {
    "api", "testkit", "files", "script", "core", "io", "schemes", "vector"
  };

  private static final class Library {

    private final Path target;
    private final String name;

    Library(String module) {
      target = Guides.ROOT.resolve("quant-" + module).resolve("target");
      name = "quant-" + module + "-" + System.getProperty("quant.version");
    }

    JarFile jar(String classifier) throws IOException {
      return new JarFile(target.resolve(name + classifier + ".jar").toFile());
    }

    List<String> entries(String classifier) throws IOException {
      try (JarFile jar = jar(classifier)) {
        return jar.stream().map(ZipEntry::getName).toList();
      }
    }

    String text(String classifier, String entry) throws IOException {
      try (JarFile jar = jar(classifier);
          InputStream in = jar.getInputStream(jar.getEntry(entry))) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    }
  }

  static String[] libraries() {
    return LIBRARIES;
  }

  @ParameterizedTest
  @MethodSource("libraries")
  void everyClassHasItsSourceAndEveryExportedPackageItsPage(String module) throws IOException {
    assumeTrue(Boolean.getBoolean("quant.test.full"), "the profile full looks into the jars");
    Library library = new Library(module);
    List<String> sources = library.entries("-sources");
    List<String> classes =
        library.entries("").stream().filter(e -> e.matches("dev/[^$]*\\.class")).toList();
    assertThat(classes).isNotEmpty();
    assertThat(sources).contains("module-info.java");
    for (String entry : classes) {
      assertThat(sources).contains(entry.replaceFirst("class$", "java"));
    }
    if (library
        .text("-sources", "module-info.java")
        .lines()
        .noneMatch(l -> l.endsWith(";") && l.startsWith("  exports "))) {
      return; // Nothing in it is for others, and Javadoc makes no page.
    }
    List<String> pages = library.entries("-javadoc");
    assertThat(pages).contains("index.html", "element-list");
    library
        .text("-sources", "module-info.java")
        .lines()
        .filter(line -> line.matches("  exports [\\w.]+;"))
        .map(line -> line.replaceAll("  exports |;", "").replace('.', '/'))
        .forEach(
            path ->
                assertThat(pages)
                    .anyMatch(page -> page.endsWith("/" + path + "/package-summary.html")));
  }

  @ParameterizedTest
  @MethodSource("libraries")
  void theBillOfMaterialsListsWhatRunsAndThePomStandsAlone(String module) throws IOException {
    assumeTrue(Boolean.getBoolean("quant.test.release"), "the profile release makes them");
    Library library = new Library(module);
    assertThat(library.target.resolve("bom.json"))
        .content()
        .contains("\"bomFormat\" : \"CycloneDX\"", "\"name\" : \"quant-" + module + "\"")
        .doesNotContain("assertj", "archunit", "error_prone_core");
    if (!module.equals("api") && !module.equals("testkit")) {
      assertThat(library.target.resolve("bom.json")).content().contains("quant-api", "SHA-256");
    }
    assertThat(library.target.resolve(".flattened-pom.xml"))
        .content()
        .doesNotContain("<parent>", "${")
        .contains("<version>", "<licenses>", "<name>");
  }
}
