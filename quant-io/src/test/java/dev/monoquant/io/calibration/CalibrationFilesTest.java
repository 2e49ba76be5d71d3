package dev.monoquant.io.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Statistics in the files of other programs: {@code plain.npz} and {@code compressed.npz} are from
 * numpy 2, {@code imatrix.gguf} from gguf 0.19, {@code imatrix.dat} as llama.cpp describes it.
 */
class CalibrationFilesTest {

  private static final List<CalibrationReader> READERS =
      List.of(
          new GgufImatrix(),
          new LegacyImatrix(),
          new NumpyCalibration(),
          new SafetensorsCalibration());

  @TempDir private Path folder;

  private static Path file(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(CalibrationFilesTest.class.getResource("/calibration/" + name))
              .toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "plain.npz, calibration-npz",
    "compressed.npz, calibration-npz",
    "imatrix.gguf, imatrix-gguf",
    "imatrix.dat, imatrix-dat"
  })
  void oneReaderIsSurest(String name, String id) {
    Match best = READERS.stream().map(r -> r.probe(file(name))).max(Match::compareTo).orElseThrow();
    assertThat(best).isGreaterThanOrEqualTo(Match.LIKELY);
    assertThat(READERS.stream().filter(r -> r.probe(file(name)) == best))
        .extracting(CalibrationReader::id)
        .containsExactly(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain.npz", "compressed.npz"})
  void arraysOfNumpy(String name) throws IOException {
    try (Calibration calibration = new NumpyCalibration().open(file(name), ReadLimits.DEFAULT)) {
      assertThat(calibration.layers()).containsExactly("a.fc");
      InputStatistics fc = calibration.find("a.fc").orElseThrow();
      assertThat(fc.meanSquares().orElseThrow()).containsExactly(4, 9);
      assertThat(fc.gram().orElseThrow().diagonal()).containsExactly(4, 9);
      assertThat(fc.range().orElseThrow().min()).isEqualTo(-3);
      assertThat(fc.range().orElseThrow().max()).isEqualTo(5);
      assertThat(fc.rows()).hasValue(70);
    }
  }

  @Test
  void arraysByColumnsAreRefused() {
    assertThatThrownBy(() -> new NumpyCalibration().open(file("columns.npz"), ReadLimits.DEFAULT))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("array \"b.h\": it is stored by columns");
  }

  @ParameterizedTest
  @ValueSource(strings = {"imatrix.gguf", "imatrix.dat"})
  void importanceIsFoundByBothNames(String name) throws IOException {
    CalibrationReader reader = name.endsWith(".gguf") ? new GgufImatrix() : new LegacyImatrix();
    try (Calibration calibration = reader.open(file(name), ReadLimits.DEFAULT)) {
      for (String layer :
          new String[] {
            "blk.0.attn_q",
            "model.layers.0.self_attn.q_proj",
            "bert.encoder.layer.0.attention.self.query",
            "encoder.layer.0.attention.self.query"
          }) {
        InputStatistics found = calibration.find(layer).orElseThrow();
        assertThat(found.layer()).isEqualTo("blk.0.attn_q");
        assertThat(found.meanSquares().orElseThrow()).containsExactly(4, 9);
      }
      assertThat(calibration.find("lm_head")).isPresent();
      assertThat(calibration.find("model.layers.1.self_attn.q_proj")).isEmpty();
      assertThat(calibration.find("model.layers.x.self_attn.q_proj")).isEmpty();
    }
  }

  @Test
  void expertsShareATensorAndThoseWithoutTokensHaveNothing() throws IOException {
    try (Calibration calibration =
        new GgufImatrix().open(file("imatrix.gguf"), ReadLimits.DEFAULT)) {
      assertThat(squares(calibration, "model.layers.0.mlp.experts.0.down_proj"))
          .hasValue(List.of(1f, 2f));
      assertThat(squares(calibration, "model.layers.0.block_sparse_moe.experts.2.w2"))
          .hasValue(List.of(4f, 1f));
      assertThat(squares(calibration, "blk.0.ffn_down_exps.2")).hasValue(List.of(4f, 1f));
      assertThat(squares(calibration, "model.layers.0.mlp.experts.1.down_proj")).isEmpty();
      assertThat(squares(calibration, "model.layers.0.mlp.experts.3.down_proj")).isEmpty();
    }
  }

  private static Optional<List<Float>> squares(Calibration calibration, String layer) {
    return calibration
        .find(layer)
        .flatMap(InputStatistics::meanSquares)
        .map(values -> List.of(values[0], values[1]));
  }

  /** A model that is shown with the names of GGUF files finds statistics under its own. */
  @Test
  void ownFilesAreFoundByNamesOfGguf() throws IOException {
    Path file =
        new StatisticsFile()
            .floats("model.layers.4.mlp.down_proj.x2", new long[] {1}, 3)
            .floats("model.layers.4.mlp.experts.5.up_proj.x2", new long[] {1}, 7)
            .write(folder.resolve("own.safetensors"));
    try (Calibration own = new SafetensorsCalibration().open(file, ReadLimits.DEFAULT)) {
      assertThat(own.find("blk.4.ffn_down").orElseThrow().layer())
          .isEqualTo("model.layers.4.mlp.down_proj");
      assertThat(own.find("blk.4.ffn_up_exps.5").orElseThrow().layer())
          .isEqualTo("model.layers.4.mlp.experts.5.up_proj");
      assertThat(own.find("blk.5.ffn_down")).isEmpty();
    }
  }

  /** Every prefix and every flipped byte: read, or refused as damaged; nothing else. */
  @ParameterizedTest
  @ValueSource(strings = {"plain.npz", "compressed.npz", "imatrix.gguf", "imatrix.dat"})
  void damagedFilesAreReadOrRefused(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    CalibrationReader reader =
        READERS.stream()
            .filter(r -> r.probe(file(name)).compareTo(Match.LIKELY) >= 0)
            .findFirst()
            .orElseThrow();
    Path damaged = folder.resolve(name);
    int refused = 0;
    for (int i = 0; i < bytes.length; i++) {
      byte[] changed = i % 2 == 0 ? bytes.clone() : Arrays.copyOf(bytes, i);
      if (i % 2 == 0) {
        changed[i] ^= (byte) 0x81;
      }
      Files.write(damaged, changed);
      reader.probe(damaged);
      try (Calibration calibration = reader.open(damaged, ReadLimits.DEFAULT)) {
        for (String layer : calibration.layers()) {
          assertThat(squares(calibration, layer).map(List::size).orElse(2)).isEqualTo(2);
        }
      } catch (QuantException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(bytes.length / 2);
  }
}
