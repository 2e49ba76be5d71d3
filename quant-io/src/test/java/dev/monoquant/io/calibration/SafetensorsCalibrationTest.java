package dev.monoquant.io.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.MeasuredInputs;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statistics of inputs in safetensors files. */
class SafetensorsCalibrationTest {

  private final SafetensorsCalibration reader = new SafetensorsCalibration();

  @TempDir private Path folder;

  @Test
  void everyStatisticIsRead() throws IOException {
    Path file =
        new StatisticsFile()
            .floats("a.fc.x2", new long[] {2}, 4, 9)
            .floats("a.fc.h", new long[] {2, 2}, 4, 1, 1, 9)
            .floats("a.fc.xmin", new long[] {}, -3)
            .floats("a.fc.xmax", new long[] {1}, 5)
            .floats("a.fc.cmin", new long[] {2}, -3, 0)
            .floats("a.fc.cmax", new long[] {2}, 1, 5)
            .longs("a.fc.count", 70)
            .floats("b.x2", new long[] {1}, 2)
            .floats("b.histogram", new long[] {3}, 1, 2, 3)
            .write(folder.resolve("m.calibration.safetensors"));
    assertThat(reader.probe(file)).isEqualTo(Match.LIKELY);
    try (Calibration calibration = reader.open(file, ReadLimits.DEFAULT)) {
      assertThat(calibration.layers()).containsExactlyInAnyOrder("a.fc", "b");
      assertThat(calibration.describe()).isEqualTo("m.calibration.safetensors");
      assertThat(calibration.digest()).hasSize(64);
      InputStatistics fc = calibration.find("a.fc").orElseThrow();
      assertThat(calibration.find("a.fc")).containsSame(fc);
      assertThat(fc.meanSquares().orElseThrow()).containsExactly(4, 9);
      assertThat(fc.rows()).hasValue(70);
      assertThat(fc.range().orElseThrow().min()).isEqualTo(-3);
      assertThat(fc.range().orElseThrow().max()).isEqualTo(5);
      assertThat(fc.columnLeast().orElseThrow()).containsExactly(-3, 0);
      assertThat(fc.columnGreatest().orElseThrow()).containsExactly(1, 5);
      GramMatrix gram = fc.gram().orElseThrow();
      float[] row = new float[2];
      gram.readRow(1, row);
      assertThat(row).containsExactly(1, 9);
      assertThat(gram.diagonal()).containsExactly(4, 9);
      assertThat(calibration.find("b").orElseThrow().gram()).isEmpty();
      assertThat(calibration.find("c")).isEmpty();
    }
  }

  /** A GGUF file of the language model has no layers of the tower, and a tower none of the file. */
  @Test
  void statisticsOfAVisionTowerAreNotThoseOfTheLanguageModel() throws IOException {
    String layer = "layers.0.self_attn.q_proj";
    String tower = "vision_tower.vision_model.encoder." + layer;
    Path file =
        new StatisticsFile()
            .floats("language_model.model." + layer + ".x2", new long[] {1}, 4)
            .floats(tower + ".x2", new long[] {1}, 9)
            .write(folder.resolve("two.safetensors"));
    try (Calibration calibration = reader.open(file, ReadLimits.DEFAULT)) {
      assertThat(calibration.find("blk.0.attn_q").orElseThrow().meanSquares().orElseThrow())
          .containsExactly(4);
      assertThat(calibration.find(tower).orElseThrow().meanSquares().orElseThrow())
          .containsExactly(9);
    }
    assertThat(GgufLayerNames.of(tower)).isEmpty();
    assertThat(GgufLayerNames.of("model.vision_tower.encoder." + layer)).isEmpty();
    assertThat(GgufLayerNames.of("model.language_model." + layer)).isPresent();
  }

  @Test
  void meanSquaresAreTheDiagonalOfTheGramMatrix() throws IOException {
    Path file =
        new StatisticsFile()
            .floats("fc.h", new long[] {2, 2}, 4, 1, 1, 9)
            .write(folder.resolve("h.safetensors"));
    try (Calibration calibration = reader.open(file, ReadLimits.DEFAULT)) {
      assertThat(calibration.find("fc").orElseThrow().meanSquares().orElseThrow())
          .containsExactly(4, 9);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.POSITIVE_INFINITY, Float.NaN, -1})
  void aDiagonalThatHasNoMeanSquaresIsRefusedWhenItIsUsed(float wrong) throws IOException {
    Path file =
        new StatisticsFile()
            .floats("fc.h", new long[] {2, 2}, 4, 1, 1, wrong)
            .write(folder.resolve("h.safetensors"));
    try (Calibration calibration = reader.open(file, ReadLimits.DEFAULT)) {
      InputStatistics fc = calibration.find("fc").orElseThrow();
      assertThat(fc.gram().orElseThrow().diagonal()).containsExactly(4, wrong);
      assertThat(MeasuredInputs.of(fc).digest()).hasSize(64);
      assertThatThrownBy(fc::meanSquares)
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "the statistics of layer \"fc\": the mean square "
                  + wrong
                  + " of column 1, on the diagonal of its Gram matrix; finite numbers from 0 on are"
                  + " allowed");
    }
  }

  @Test
  void aFileOfOurOwnIsCertainAndOfALaterVersionRefused() throws IOException {
    StatisticsFile content = new StatisticsFile().floats("fc.x2", new long[] {1}, 1);
    Path own = content.version("1").write(folder.resolve("own.safetensors"));
    assertThat(reader.probe(own)).isEqualTo(Match.CERTAIN);
    reader.open(own, ReadLimits.DEFAULT).close();
    Path later = content.version("2").write(folder.resolve("later.safetensors"));
    assertThatThrownBy(() -> reader.open(later, ReadLimits.DEFAULT))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("version 2 of calibrations; 1 is read");
  }

  /** Wide inputs have no Gram matrix, and mean squares all the same. */
  @Test
  void meanSquaresAreAsWideAsTheLayer() throws IOException {
    int columns = 100_352;
    Path file =
        new StatisticsFile()
            .floats("fc.x2", new long[] {columns}, new float[columns])
            .write(folder.resolve("wide.safetensors"));
    try (Calibration calibration = reader.open(file, ReadLimits.DEFAULT)) {
      assertThat(calibration.find("fc").orElseThrow().meanSquares().orElseThrow()).hasSize(columns);
    }
  }

  @Test
  void malformedStatisticsAreRefused() throws IOException {
    refused(new StatisticsFile().floats("fc.x2", new long[] {1, 2}, 1, 2), "fc.x2", "shape [1, 2]");
    refused(new StatisticsFile().floats("fc.h", new long[] {1, 2}, 1, 2), "fc.h", "shape [1, 2]");
    refused(new StatisticsFile().floats("fc.xmin", new long[] {2}, 1, 2), "fc.xmin", "one float");
    refused(
        new StatisticsFile().floats("fc.cmin", new long[] {1, 2}, 1, 2), "fc.cmin", "(columns)");
    refused(new StatisticsFile().longs("fc.x2", 1), "fc.x2", "type I64");
    refused(new StatisticsFile().floats("fc.weight", new long[] {1}, 1), "no statistics of inputs");
  }

  private void refused(StatisticsFile content, String... words) throws IOException {
    Path file = content.write(folder.resolve("bad.safetensors"));
    assertThatThrownBy(() -> reader.open(file, ReadLimits.DEFAULT))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(words);
  }

  @Test
  void valuesThatCannotBeAreRefusedWhenTheyAreRead() throws IOException {
    Path file =
        new StatisticsFile()
            .floats("a.x2", new long[] {2}, 1, Float.NaN)
            .floats("b.x2", new long[] {2}, 1, -1)
            .floats("c.xmin", new long[] {}, 2)
            .floats("c.xmax", new long[] {}, 1)
            .floats("d.x2", new long[] {1}, 2)
            .floats("d.h", new long[] {2, 2}, 1, 0, 0, 1)
            .floats("e.cmin", new long[] {2}, 1, 2)
            .floats("e.cmax", new long[] {2}, 1, 1)
            .floats("f.x2", new long[] {1}, 2)
            .floats("f.cmin", new long[] {2}, 1, 2)
            .floats("f.cmax", new long[] {2}, 1, 2)
            .write(folder.resolve("odd.safetensors"));
    try (Calibration calibration = reader.open(file, ReadLimits.DEFAULT)) {
      assertThatThrownBy(() -> calibration.find("a"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("layer \"a\": the mean square NaN of column 1");
      assertThatThrownBy(() -> calibration.find("b")).hasMessageContaining("-1.0 of column 1");
      assertThatThrownBy(() -> calibration.find("c")).hasMessageContaining("from 2.0 to 1.0");
      assertThatThrownBy(() -> calibration.find("e"))
          .hasMessageContaining("column 1 from 2.0 to 1.0");
      assertThatThrownBy(() -> calibration.find("f")).hasMessageContaining("least numbers of 2");
      assertThatThrownBy(() -> calibration.find("d")).hasMessageContaining("1 columns");
    }
  }

  @Test
  void otherFilesDoNotMatch() throws IOException {
    assertThat(reader.probe(Files.writeString(folder.resolve("x.txt"), "text")))
        .isEqualTo(Match.NONE);
    assertThat(reader.probe(Files.writeString(folder.resolve("x.safetensors"), "text")))
        .isEqualTo(Match.POSSIBLE);
    assertThat(reader.probe(folder.resolve("absent.safetensors"))).isEqualTo(Match.NONE);
  }
}
