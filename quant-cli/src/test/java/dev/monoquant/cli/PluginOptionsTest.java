package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.PluginEntry;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginOptionsTest {

  private static final String EXAMPLE = "dev.monoquant.testkit.example.PowerOfTwo";

  @TempDir private Path dir;

  @Test
  void theVariableNamesJarsLikeAClassPath() throws Exception {
    Path source =
        Distribution.ROOT.resolve(
            "quant-testkit/src/test/java/" + EXAMPLE.replace('.', '/') + ".java");
    Path classes = PluginJar.compile(dir, EXAMPLE, Files.readString(source));
    Path jar =
        PluginJar.pack(dir.resolve("pow2.jar"), classes, "dev.monoquant.spi.Scheme", EXAMPLE);
    try (PluginOptions none = new PluginOptions()) {
      assertThat(none.load(File.pathSeparator).entries()).noneMatch(this::isExample);
    }
    try (PluginOptions options = new PluginOptions()) {
      assertThat(options.load(File.pathSeparator + jar).entries()).anyMatch(this::isExample);
    }
  }

  private boolean isExample(PluginEntry<?> entry) {
    return entry.id().equals("acme/pow2");
  }

  @Test
  void aJarOfTheVariableThatIsNoneIsRefused() {
    try (PluginOptions options = new PluginOptions()) {
      assertThatThrownBy(() -> options.load(dir.resolve("none.jar").toString()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("QUANT_PLUGINS")
          .hasMessageContaining("no such file");
    }
  }
}
