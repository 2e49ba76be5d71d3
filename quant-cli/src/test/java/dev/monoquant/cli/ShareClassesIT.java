package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The archive of classes of an installation, which only the launcher for Unix uses. */
@DisabledOnOs(OS.WINDOWS)
class ShareClassesIT {

  private static final String ARCHIVED = "source: shared objects file (top)";

  @TempDir Path folder;

  @Test
  void classesComeFromTheArchiveUntilItDoesNotFit() throws IOException {
    Path home = installation();
    Run made = quant(home, "share-classes");
    assertThat(made.code()).as(made.err()).isZero();
    assertThat(made.err())
        .isEqualToIgnoringNewLines("quant: wrote " + home.toRealPath().resolve("lib/quant.jsa"));
    try (Stream<Path> files = Files.list(home.resolve("lib"))) {
      assertThat(files.map(p -> p.getFileName().toString()).filter(n -> n.contains("jsa")))
          .containsExactly("quant.jsa");
    }
    assertThat(loaded(home))
        .contains("dev.monoquant.core.Quantizer " + ARCHIVED)
        .contains("dev.monoquant.spi.Plugins " + ARCHIVED);

    Path elsewhere = Files.move(home, folder.resolve("elsewhere"));
    assertThat(loaded(elsewhere)).contains("dev.monoquant.spi.Plugins ").doesNotContain(ARCHIVED);
  }

  /** The classes that a command loads, which says nothing on standard error. */
  private String loaded(Path home) throws IOException {
    Path log = folder.resolve("classes.txt");
    String quant = home.resolve("bin/quant").toString();
    Run run =
        new Distribution(folder)
            .with("QUANT_OPTS", "-Xlog:class+load:file=" + log + ":none")
            .run(List.of(quant, "inspect", Distribution.DIGITS.toString()));
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    return Files.readString(log);
  }

  private Run quant(Path home, String command) {
    return new Distribution(folder).run(List.of(home.resolve("bin/quant").toString(), command));
  }

  /** The distribution in a place of its own, without the engine, whose jar has 106 MiB. */
  private Path installation() throws IOException {
    Path home = folder.resolve("home");
    Files.createDirectories(home.resolve("bin"));
    Files.createDirectories(home.resolve("lib"));
    Files.copy(Distribution.launcher(), home.resolve("bin/quant"));
    try (Stream<Path> files = Files.list(Distribution.HOME.resolve("lib"))) {
      for (Path jar : files.filter(p -> p.toString().endsWith(".jar")).toList()) {
        if (!jar.getFileName().toString().startsWith("pytorch-native")) {
          Files.copy(jar, home.resolve("lib").resolve(jar.getFileName()));
        }
      }
    }
    return home;
  }
}
