package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.run.NonFinites;
import dev.monoquant.core.store.MemoryStore;
import dev.monoquant.core.store.StoredModel;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Each policy, on numbers that are not finite and on finite ones that have no finite scale. */
class NonFiniteTest {

  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  private static QuantizedModel quantize(
      MemoryModel source, FakeScheme scheme, NonFinitePolicy policy, int tileElements) {
    return Quantizer.create()
        .withPlugins(Plugins.of(new MemoryFormat(source), scheme, new FakeLayers("fake")))
        .withThreads(2)
        .withTileElements(tileElements)
        .quantize(
            source.input(), QuantizationConfig.builder().scheme("fake").nonFinite(policy).build());
  }

  private static MemoryModel model(float... bad) {
    return MemoryModel.named("fake")
        .sines("good.weight", 4, 4)
        .floats("bad.weight", ElementType.FLOAT32, TensorShape.of(bad.length / 4, 4), bad)
        .build();
  }

  @Test
  void refusalNamesTheFirstPositionsAndTheCount() {
    float[] bad = new float[24];
    Arrays.fill(bad, 3, 12, NAN);
    bad[20] = -INF;
    for (int tile : new int[] {1, 8, 1000}) {
      assertThatThrownBy(
              () -> quantize(model(bad), new FakeScheme(), NonFinitePolicy.FAIL, tile).close())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor \"bad.weight\"")
          .hasMessageContaining("9 NaN, 1 Inf of 24, first at [0,3], [1,0], [1,1], [1,2], [1,3]. ")
          .hasMessageContaining("--non-finite keep")
          .hasMessageContaining("--non-finite clamp");
    }
  }

  @Test
  void keepLeavesTheWeightAndSaysWhy() {
    try (QuantizedModel result =
        quantize(model(1, NAN, 0, INF), new FakeScheme(), NonFinitePolicy.KEEP, 16)) {
      assertThat(result.weights()).extracting(w -> w.name()).containsExactly("good.weight");
      String reason = "1 NaN, 1 Inf of 4, first at [0,1], [0,3]";
      assertThat(result.report().plan().kept())
          .anySatisfy(k -> assertThat(k.reason()).isEqualTo(reason));
      assertThat(result.report().problems())
          .containsExactly(Problem.warning("bad.weight", reason + "; it is kept as it is", ""));
    }
  }

  @Test
  void clampQuantizesOtherNumbersAndSaysWhich() {
    float[] bad = {0.5f, NAN, -1, INF, -INF, 0.25f, 0, 0, NAN, INF, -INF, NAN};
    float[] instead = {0.5f, 0, -1, 1, -0.25f, 0.25f, 0, 0, 0, 0, 0, 0};
    for (int tile : new int[] {1, 8, 1000}) {
      try (QuantizedModel result =
              quantize(model(bad), new FakeScheme(), NonFinitePolicy.CLAMP, tile);
          QuantizedModel clean =
              quantize(model(instead), new FakeScheme(), NonFinitePolicy.FAIL, tile)) {
        assertThat(codes(result)).isEqualTo(codes(clean));
        assertThat(result.report().weights().get(1).errors())
            .isEqualTo(clean.report().weights().get(1).errors());
        assertThat(clean.report().problems()).isEmpty();
        assertThat(result.report().problems()).hasSize(1);
        assertThat(result.report().problems().get(0).toString())
            .isEqualTo(
                "bad.weight: 3 NaN, 4 Inf of 12, first at [0,1], [0,3], [1,0], [2,0], [2,1];"
                    + " NaN became 0, and each Inf the greatest finite magnitude of its row");
      }
    }
  }

  private static byte[] codes(QuantizedModel model) {
    MemoryStore store = (MemoryStore) ((StoredModel) model).source();
    try {
      return store.readTile(model.weights().get(1), new RowRange(0, 3)).part(Part.CODES);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void clampedNumbersAreTheRangeThatSchemesSee() {
    Map<String, Facts> seen = new ConcurrentHashMap<>();
    FakeScheme ranged =
        new FakeScheme() {
          @Override
          public Set<Need> needs(OptionValues options) {
            return Set.of(Need.TENSOR_RANGE);
          }

          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            seen.put(rows.tensor().name(), facts);
            return super.begin(rows, options, facts, compute);
          }
        };
    float[] bad = {0.5f, NAN, 0, 0, -INF, 1.25f, 0, INF};
    quantize(model(bad), ranged, NonFinitePolicy.CLAMP, 4).close();
    assertThat(seen.get("bad.weight").range()).isEqualTo(new Facts.Range(-1.25f, 1.25f));
  }

  /** Refuses numbers from 10,000 on, as a scale or a cast that overflows is refused. */
  private static final class Overflowing extends FakeScheme {
    @Override
    public TileQuantizer begin(
        WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
      return tile -> {
        for (int i = 0; i < tile.height() * tile.cols(); i++) {
          if (Math.abs(tile.values()[i]) >= 10_000) {
            throw new ValidationException("tensor " + rows.tensor().name() + ": no finite scale");
          }
        }
        return EncodedTile.of(tile, Map.of(Part.CODES, codes(tile)));
      };
    }
  }

  @Test
  void aWeightWithoutAFiniteScaleIsRefusedOrKept() {
    float[] large = {0, 0, 0, 0, 0, 0, 10_000, 0};
    assertThatThrownBy(() -> quantize(model(large), new Overflowing(), NonFinitePolicy.FAIL, 4))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no finite scale");
    assertThatThrownBy(() -> quantize(model(large), new Overflowing(), NonFinitePolicy.CLAMP, 4))
        .isInstanceOf(ValidationException.class);
    try (QuantizedModel result =
        quantize(model(large), new Overflowing(), NonFinitePolicy.KEEP, 4)) {
      assertThat(result.weights()).extracting(w -> w.name()).containsExactly("good.weight");
      assertThat(result.report().problems().toString())
          .contains("bad.weight: no finite scale; it is kept as it is");
    }
  }

  @Test
  void doublesBeyondFloatAreInfinitiesWhereThePolicyAllowsThem() {
    byte[] numbers = new byte[3 * Double.BYTES];
    ByteBuffer.wrap(numbers)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putDouble(1)
        .putDouble(0.5)
        .putDouble(1e300);
    MemoryModel source =
        MemoryModel.named("fake")
            .tensor(new TensorInfo("fc.weight", ElementType.FLOAT64, TensorShape.of(1, 3)), numbers)
            .sines("good.weight", 2, 2)
            .build();
    assertThatThrownBy(() -> quantize(source, new FakeScheme(), NonFinitePolicy.FAIL, 8))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("element 2 is a finite double beyond");
    try (QuantizedModel result = quantize(source, new FakeScheme(), NonFinitePolicy.KEEP, 8)) {
      assertThat(result.report().problems().toString())
          .contains("0 NaN, 1 Inf of 3, first at [0,2]; it is kept");
    }
    try (QuantizedModel result = quantize(source, new FakeScheme(), NonFinitePolicy.CLAMP, 8)) {
      assertThat(result.report().problems().toString()).contains("0 NaN, 1 Inf of 3");
      assertThat(result.report().weights().get(0).errors().maxError()).isZero();
    }
  }

  @Property(tries = 300)
  void positionsAreThoseOfTheTensor(
      @ForAll @IntRange(min = 1, max = 4) int a,
      @ForAll @IntRange(min = 1, max = 4) int b,
      @ForAll @IntRange(min = 1, max = 4) int c,
      @ForAll @IntRange(min = 0, max = 2) int axis,
      @ForAll Set<@IntRange(min = 0, max = 63) Integer> places) {
    int[] dims = {a, b, c};
    TensorInfo tensor = new TensorInfo("w", ElementType.FLOAT32, TensorShape.of(a, b, c));
    WeightMatrix rows = new WeightMatrix("", LayerKind.LINEAR, "w", tensor, axis);
    float[] matrix = new float[a * b * c];
    List<String> expected = new ArrayList<>();
    int[] others = axis == 0 ? new int[] {1, 2} : axis == 1 ? new int[] {0, 2} : new int[] {0, 1};
    for (int i = 0; i < a; i++) {
      for (int j = 0; j < b; j++) {
        for (int k = 0; k < c; k++) {
          if (places.contains((i * b + j) * c + k)) {
            int[] at = {i, j, k};
            int col = at[others[0]] * dims[others[1]] + at[others[1]];
            matrix[at[axis] * dims[others[0]] * dims[others[1]] + col] = NAN;
            expected.add("[" + i + "," + j + "," + k + "]");
          }
        }
      }
    }
    NonFinites whole = NonFinites.in(matrix, rows, 0, dims[axis]);
    NonFinites pieces = NonFinites.NONE;
    int cols = matrix.length / dims[axis];
    for (int row = 0; row < dims[axis]; row++) {
      float[] one = Arrays.copyOfRange(matrix, row * cols, (row + 1) * cols);
      pieces = pieces.plus(NonFinites.in(one, rows, row, 1));
    }
    assertThat(pieces).isEqualTo(whole);
    String said = String.join(", ", expected.subList(0, Math.min(5, expected.size())));
    assertThat(whole.describe(tensor.shape()))
        .isEqualTo(
            expected.size()
                + " NaN, 0 Inf of "
                + matrix.length
                + (expected.isEmpty() ? "" : ", first at " + said));
  }
}
