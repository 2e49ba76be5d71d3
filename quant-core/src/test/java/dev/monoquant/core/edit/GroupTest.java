package dev.monoquant.core.edit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.run.CodedSample;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Some rows of each weight of a group stand for all, in bounded memory. */
class GroupTest {

  private static final SchemeId FAKE = new SchemeId("fake", 1);
  private static final int COLS = 5;
  private static final int ROWS = 70;

  @Property
  void rowsOfAGroupFitIntoItsBytes(
      @ForAll @IntRange(min = 1, max = 2000) int weights,
      @ForAll @IntRange(min = 1, max = 70_000) int cols) {
    int rows = Group.mostRows(weights, cols);
    assertThat(rows).isBetween(1, 32);
    long each = 4L * weights * cols;
    assertThat(rows == 1 || rows * each <= 64L << 20).isTrue();
    assertThat(rows == 32 || (rows + 1) * each > 64L << 20).as("no fewer than fit").isTrue();
  }

  /** Gate and up of 8, 128 and 256 experts. */
  @Example
  void onlyGroupsOfHundredsOfWideWeightsHaveFewerRows() {
    assertThat(Group.mostRows(16, 4096)).isEqualTo(32);
    assertThat(Group.mostRows(256, 2048)).isEqualTo(32);
    assertThat(Group.mostRows(512, 7168)).isEqualTo(4);
  }

  @Property(tries = 20)
  void theErrorIsThatOfTheRowsThatAreRead(@ForAll @IntRange(min = 1, max = 32) int most)
      throws IOException {
    MemoryModel model =
        MemoryModel.named("m").sines("a.weight", ROWS, COLS).sines("b.weight", 3, COLS).build();
    float[] squares = {1, 2, 3, 4, 5};
    float[] factors = {1, 0.5f, 1.5f, 0.7f, 1.25f};
    Settings settings = Settings.defaults().withPlugins(Plugins.of(new FakeScheme()));
    List<Weight> weights = new ArrayList<>();
    for (TensorInfo tensor : model.tensors()) {
      WeightMatrix matrix = new WeightMatrix(tensor.name(), LayerKind.LINEAR, "weight", tensor, 0);
      OptionValues options = OptionValues.defaults(new FakeScheme().options());
      EncodedWeight all =
          new EncodedWeight(
              matrix, FAKE, options, new FakeScheme().fit(matrix, options).orThrow(matrix));
      int rows = Weight.sampled(matrix.rowCount(), most);
      weights.add(
          new Weight(
              matrix,
              rows,
              CodedSample.of(settings, all, rows).orElseThrow(),
              () -> InputStatistics.of(tensor.name()).withMeanSquares(squares)));
    }
    double expected = 0;
    int[] read = new int[1];
    try (ModelSource source = counting(model, read)) {
      Group group = Group.read(source, weights, COLS);
      for (Weight weight : weights) {
        long step = Weight.step(weight.matrix().rowCount(), most);
        double sum = 0;
        int rows = 0;
        float[] row = new float[COLS];
        for (long r = 0; r < weight.matrix().rowCount(); r += step, rows++) {
          source.readRows(weight.matrix(), new RowRange(r, 1), row);
          for (int c = 0; c < COLS; c++) {
            float scaled = row[c] * factors[c];
            double wrong = (scaled - Math.rint(scaled * 64) / 64) / factors[c];
            sum += wrong * wrong * squares[c];
          }
        }
        assertThat(weight.rows()).isEqualTo(rows);
        expected += sum * weight.matrix().rowCount() / rows;
      }
      assertThat(read[0]).isEqualTo(2 * weights.stream().mapToInt(Weight::rows).sum());
      assertThat(group.error(factors, new float[0])).isCloseTo(expected, within(1e-5 * expected));
      assertThat(group.greatest()).isEmpty();
    }
  }

  private static ModelSource counting(MemoryModel model, int[] rows) {
    return new ForwardingSource(model.open()) {
      @Override
      public void readRows(WeightMatrix matrix, RowRange range, float[] into) throws IOException {
        rows[0] += range.height();
        super.readRows(matrix, range, into);
      }
    };
  }
}
