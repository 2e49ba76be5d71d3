package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The classes of picocli have the format of Java 5. Java 17 dies of a signal when it archives a
 * lambda of such an interface (JDK-8274944), so that no archive of classes could be made.
 */
class OldInterfacesTest {

  @Test
  void noLambdaImplementsAnInterfaceOfPicocli() throws IOException, URISyntaxException {
    Path classes =
        Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .resolve("dev/monoquant/cli");
    try (Stream<Path> all = Files.walk(classes)) {
      List<Path> own = all.filter(file -> file.toString().endsWith(".class")).toList();
      assertThat(own).hasSizeGreaterThan(50);
      assertThat(own).noneMatch(OldInterfacesTest::makesOne);
    }
  }

  /** A lambda is made by a call that returns its interface; nothing else here returns one. */
  private static boolean makesOne(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1)
          .contains(")Lpicocli/CommandLine$I");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
