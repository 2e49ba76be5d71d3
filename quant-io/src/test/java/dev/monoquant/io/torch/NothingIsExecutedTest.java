package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.Archive;
import dev.monoquant.io.checkpoint.TorchCheckpointFormat;
import dev.monoquant.io.torchscript.TorchScriptFormat;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The readers have no way to load or call what a file names: their bytecode does not mention any.
 */
class NothingIsExecutedTest {

  private static final String[] FORBIDDEN = {
    "java/lang/reflect/",
    "java/io/ObjectInputStream",
    "java/net/URLClassLoader",
    "java/lang/ClassLoader",
    "getRuntime",
    "java/lang/ProcessBuilder",
    "javax/script",
    "forName",
    "newInstance",
    "loadClass"
  };

  @ParameterizedTest
  @ValueSource(
      classes = {
        PickleReader.class,
        TorchZip.class,
        Archive.class,
        TorchCheckpointFormat.class,
        TorchScriptFormat.class
      })
  void nothingThatLoadsOrCallsIsMentioned(Class<?> one) throws IOException, URISyntaxException {
    Path place = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      check(place.resolve(one.getPackageName().replace('.', '/')));
      return;
    }
    try (FileSystem jar = FileSystems.newFileSystem(place)) {
      check(jar.getPath(one.getPackageName().replace('.', '/')));
    }
  }

  private static void check(Path classes) throws IOException {
    try (Stream<Path> files = Files.list(classes)) {
      Path[] all = files.filter(f -> f.toString().endsWith(".class")).toArray(Path[]::new);
      assertThat(all).hasSizeGreaterThan(2);
      for (Path file : all) {
        String constants = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        assertThat(FORBIDDEN).as(file.toString()).noneMatch(constants::contains);
      }
    }
  }
}
