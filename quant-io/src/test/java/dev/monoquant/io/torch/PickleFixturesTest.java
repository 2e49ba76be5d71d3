package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.PickleRoundTrip;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Every pickle of the checkpoints and archives that the readers are tested with, written again. */
class PickleFixturesTest {

  @Test
  void everyPickleOfTheFixtures() throws IOException, URISyntaxException {
    int pickles = 0;
    for (String folder : new String[] {"/torch-oracle", "/torch-corpus"}) {
      pickles +=
          PickleRoundTrip.ofFilesIn(Path.of(PickleFixturesTest.class.getResource(folder).toURI()));
    }
    assertThat(pickles).isGreaterThan(100);
  }
}
