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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
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
  void expertsShareATensorAndColumnsOfThoseWithoutTokensCountAlike() throws IOException {
    try (Calibration calibration =
        new GgufImatrix().open(file("imatrix.gguf"), ReadLimits.DEFAULT)) {
      assertThat(squares(calibration, "model.layers.0.mlp.experts.0.down_proj"))
          .hasValue(List.of(1f, 2f));
      assertThat(squares(calibration, "model.layers.0.block_sparse_moe.experts.2.w2"))
          .hasValue(List.of(4f, 1f));
      assertThat(squares(calibration, "blk.0.ffn_down_exps.2")).hasValue(List.of(4f, 1f));
      assertThat(squares(calibration, "model.layers.0.mlp.experts.1.down_proj"))
          .hasValue(List.of(1f, 1f));
      assertThat(squares(calibration, "model.layers.0.mlp.experts.3.down_proj")).isEmpty();
      assertThat(calibration.layers())
          .contains("blk.0.attn_q", "blk.0.ffn_down_exps.0", "blk.0.ffn_down_exps.2");
    }
  }

  /** The format says no number of experts: it is known from the router of the block. */
  @Test
  void expertsOfTheFirstFormatAreAsWideAsTheRouter() throws IOException {
    Path file = folder.resolve("experts.dat");
    ByteBuffer bytes = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN).putInt(5);
    layer(bytes, "blk.0.ffn_gate_inp.weight", 8, 8);
    layer(bytes, "blk.0.ffn_up_exps.weight", 8, 16, 4, 0, 2, 6);
    layer(bytes, "blk.0.ffn_down_exps.weight", 2, 4, 6, 8, 0, 0, 0, 0, 0, 2, 4, 6);
    layer(bytes, "blk.1.ffn_gate_inp.weight", 1, 2, 3);
    layer(bytes, "blk.1.ffn_up_exps.weight", 1, 2, 3, 4);
    Files.write(file, Arrays.copyOf(bytes.array(), bytes.position()));
    try (Calibration calibration = new LegacyImatrix().open(file, ReadLimits.DEFAULT)) {
      assertThat(means(calibration, "blk.0.ffn_up_exps.0")).contains(new float[] {4, 8});
      assertThat(means(calibration, "blk.0.ffn_up_exps.1")).contains(new float[] {2, 0});
      assertThat(means(calibration, "blk.0.ffn_up_exps.2")).contains(new float[] {1, 3});
      assertThat(means(calibration, "blk.0.ffn_up_exps.3")).isEmpty();
      assertThat(means(calibration, "model.layers.0.mlp.experts.2.down_proj"))
          .contains(new float[] {0, 1, 2, 3});
      assertThat(means(calibration, "blk.0.ffn_down_exps.1")).isEmpty();
      assertThat(means(calibration, "blk.1.ffn_up_exps.1")).isEmpty();
    }
  }

  /** A layer whose sums are divided by 2. */
  private static void layer(ByteBuffer into, String name, float... sums) {
    into.putInt(name.length()).put(name.getBytes(StandardCharsets.UTF_8));
    into.putInt(2).putInt(sums.length);
    for (float sum : sums) {
      into.putFloat(sum);
    }
  }

  private static Optional<float[]> means(Calibration calibration, String layer) {
    return calibration.find(layer).flatMap(InputStatistics::meanSquares);
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

  /** Blocks of a tower are not those of the language model, in any direction. */
  @Test
  void towersHaveNoNamesOfGguf() throws IOException {
    String tower = "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj";
    Path file =
        new StatisticsFile()
            .floats("language_model.model.layers.0.self_attn.q_proj.x2", new long[] {1}, 3)
            .floats(tower + ".x2", new long[] {1}, 7)
            .floats("encoder.layers.1.self_attn.q_proj.x2", new long[] {1}, 1)
            .floats("decoder.layers.1.self_attn.q_proj.x2", new long[] {1}, 2)
            .write(folder.resolve("own.safetensors"));
    try (Calibration own = new SafetensorsCalibration().open(file, ReadLimits.DEFAULT)) {
      assertThat(means(own, "blk.0.attn_q")).contains(new float[] {3});
      assertThat(means(own, tower)).contains(new float[] {7});
      assertThat(means(own, "blk.1.attn_q")).as("of encoder or decoder").isEmpty();
      assertThat(means(own, "decoder.layers.1.self_attn.q_proj")).contains(new float[] {2});
    }
    try (Calibration imatrix = new GgufImatrix().open(file("imatrix.gguf"), ReadLimits.DEFAULT)) {
      assertThat(imatrix.find("language_model.model.layers.0.self_attn.q_proj")).isPresent();
      for (String part : List.of(tower, "mtp.layers.0.self_attn.q_proj")) {
        assertThat(imatrix.find(part)).as(part).isEmpty();
      }
    }
  }

  /** An array that is named like a statistic, of no layer, is another array. */
  @Test
  void arraysOfNoLayerAreIgnored() throws IOException {
    Path file = folder.resolve("more.npz");
    byte[] array = "no array of numpy".getBytes(StandardCharsets.UTF_8);
    try (ZipInputStream from = new ZipInputStream(Files.newInputStream(file("plain.npz")));
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(file))) {
      for (ZipEntry entry = from.getNextEntry(); entry != null; entry = from.getNextEntry()) {
        to.putNextEntry(new ZipEntry(entry.getName()));
        to.write(from.readAllBytes());
      }
      to.putNextEntry(new ZipEntry("count.npy"));
      to.write(array);
      to.putNextEntry(new ZipEntry(".x2.npy"));
      to.write(array);
    }
    try (Calibration calibration = new NumpyCalibration().open(file, ReadLimits.DEFAULT)) {
      assertThat(calibration.layers()).containsExactly("a.fc");
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
