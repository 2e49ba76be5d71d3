package dev.monoquant.core.edit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.testkit.data.PlainScaling;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Tensors are scaled as they are read, in any pieces, as a plain reference scales them. */
class EditedSourceTest {

  private static final ElementType[] TYPES = {
    ElementType.FLOAT32, ElementType.BFLOAT16, ElementType.FLOAT16
  };

  private static MemoryModel model(Random random, ElementType type, int k) {
    MemoryModel.Builder builder = MemoryModel.named("m");
    floats(builder, random, type, "norm.weight", k);
    floats(builder, random, type, "norm.bias", k);
    floats(builder, random, type, "up.weight", 5, k);
    floats(builder, random, type, "conv.weight", k, 3);
    floats(builder, random, type, "down.weight", 2, 5);
    floats(builder, random, type, "other.weight", 2, 3);
    floats(builder, random, type, "stack.weight", 3, k, 2);
    return builder.build();
  }

  private static void floats(
      MemoryModel.Builder builder, Random random, ElementType type, String name, long... dims) {
    float[] values = new float[(int) TensorShape.of(dims).elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    builder.floats(name, type, TensorShape.of(dims), values);
  }

  private static TensorInfo tensor(MemoryModel model, String name) {
    return model.tensors().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
  }

  private static double[] floats(ModelSource source, TensorInfo tensor) throws IOException {
    float[] values = new float[(int) tensor.shape().elements()];
    ByteBuffer bytes = source.read(tensor, 0, (int) tensor.bytes());
    FloatBytes.widen(tensor.type(), bytes, values, 0, values.length);
    double[] numbers = new double[values.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = values[i];
    }
    return numbers;
  }

  /** {@code up} is multiplied by one fold, and divided by the next. */
  private static List<Scaled> folds(MemoryModel model, Random random, float plus) {
    ScaleFold first =
        new ScaleFold(
            "norm",
            List.of(
                new Side(tensor(model, "norm.weight"), 0, plus),
                new Side(tensor(model, "norm.bias"), 0, 0)),
            List.of(
                new Side(tensor(model, "up.weight"), 1, 0),
                new Side(tensor(model, "conv.weight"), 0, 0),
                new Side(tensor(model, "stack.weight"), 1, 0)),
            false);
    ScaleFold second =
        new ScaleFold(
            "up",
            List.of(new Side(tensor(model, "up.weight"), 0, 0)),
            List.of(new Side(tensor(model, "down.weight"), 1, 0)),
            false);
    return List.of(
        new Scaled(Place.of(first), factors(random, first.size()), 0.5, 1),
        new Scaled(Place.of(second), factors(random, second.size()), 0.5, 1));
  }

  private static float[] factors(Random random, int count) {
    float[] factors = new float[count];
    for (int i = 0; i < count; i++) {
      factors[i] = (float) Math.pow(2, 4 * random.nextDouble() - 2);
    }
    return factors;
  }

  @Property(tries = 100)
  void bytesAndRowsAreThoseOfThePlainReference(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 9) int k, @ForAll boolean gemma)
      throws IOException {
    Random random = new Random(seed);
    ElementType type = TYPES[random.nextInt(TYPES.length)];
    MemoryModel model = model(random, type, k);
    List<Scaled> folds = folds(model, random, gemma ? 1 : 0);
    Map<String, double[]> plain = new HashMap<>();
    try (ModelSource source = model.open()) {
      for (TensorInfo tensor : model.tensors()) {
        plain.put(tensor.name(), floats(source, tensor));
      }
    }
    for (Scaled fold : folds) {
      double[] factors = new double[fold.factors().length];
      for (int i = 0; i < factors.length; i++) {
        factors[i] = fold.factors()[i];
      }
      Place place = fold.place();
      PlainScaling.apply(
          plain, new ScaleFold(place.input(), place.divided(), place.multiplied(), false), factors);
    }
    double step = type == ElementType.BFLOAT16 ? 0x1p-8 : type == ElementType.FLOAT16 ? 0x1p-10 : 0;
    try (ModelSource edited = new EditedSource(model.open(), folds)) {
      for (TensorInfo tensor : model.tensors()) {
        double[] expected = plain.get(tensor.name());
        double[] numbers = floats(edited, tensor);
        for (int i = 0; i < numbers.length; i++) {
          double magnitude = Math.abs(expected[i]) + (gemma ? 4 : 0);
          assertThat(numbers[i])
              .as("%s %d of %s", tensor.name(), i, type)
              .isCloseTo(expected[i], within(magnitude * (step + 1e-6) + 1e-6));
        }
        pieces(edited, tensor, random);
        if (tensor.shape().rank() > 1) {
          rows(edited, tensor, expected, random);
        }
      }
    }
    assertThat(model.openSources()).isZero();
  }

  /** Any piece has the bytes of the whole. */
  private static void pieces(ModelSource edited, TensorInfo tensor, Random random)
      throws IOException {
    ByteBuffer whole = edited.read(tensor, 0, (int) tensor.bytes());
    int from = random.nextInt((int) tensor.bytes() + 1);
    int length = random.nextInt((int) tensor.bytes() + 1 - from);
    ByteBuffer piece = edited.read(tensor, from, length);
    assertThat(piece.remaining()).isEqualTo(length);
    assertThat(piece).isEqualTo(whole.slice(from, length));
  }

  /** Rows of any orientation are products that are not rounded. */
  private static void rows(ModelSource edited, TensorInfo tensor, double[] expected, Random random)
      throws IOException {
    int rowAxis = random.nextInt(tensor.shape().rank());
    WeightMatrix matrix = new WeightMatrix("l", LayerKind.LINEAR, "weight", tensor, rowAxis);
    int cols = (int) matrix.columnCount();
    int first = random.nextInt((int) matrix.rowCount());
    int height = 1 + random.nextInt((int) matrix.rowCount() - first);
    float[] into = new float[height * cols];
    edited.readRows(matrix, new RowRange(first, height), into);
    // The numbers of one row axis lie in blocks of this width, which follow each other.
    int width = 1;
    for (int axis = rowAxis + 1; axis < tensor.shape().rank(); axis++) {
      width *= (int) tensor.shape().dim(axis);
    }
    int count = (int) matrix.rowCount();
    for (int r = 0; r < height; r++) {
      for (int c = 0; c < cols; c++) {
        int place = (c / width * count + first + r) * width + c % width;
        assertThat((double) into[r * cols + c])
            .isCloseTo(expected[place], within(1e-6 * (1 + Math.abs(expected[place]))));
      }
    }
  }

  @Property(tries = 5)
  void whatIsNotEditedHasItsOriginAndWhatIsHasAnother(@ForAll long seed) {
    MemoryModel model = model(new Random(seed), ElementType.FLOAT32, 4);
    ModelSource inside = model.open();
    try (ModelSource edited = new EditedSource(inside, folds(model, new Random(seed), 0))) {
      TensorInfo other = tensor(model, "other.weight");
      TensorInfo norm = tensor(model, "norm.weight");
      assertThat(edited.origin(other)).isEqualTo(inside.origin(other));
      assertThat(edited.origin(norm)).isNotEqualTo(inside.origin(norm));
      assertThat(edited.find(RunnableFile.class)).isEmpty();
    }
  }

  @Example
  void aNumberBeyondTheTypeIsRefused() {
    MemoryModel model =
        MemoryModel.named("m")
            .floats("norm.weight", ElementType.FLOAT16, TensorShape.of(2), 1, 1)
            .floats("gate.weight", ElementType.FLOAT16, TensorShape.of(1, 2), 1, 60_000)
            .build();
    ScaleFold fold =
        new ScaleFold(
            "norm",
            List.of(new Side(tensor(model, "norm.weight"), 0, 0)),
            List.of(new Side(tensor(model, "gate.weight"), 1, 0)),
            false);
    Scaled scaled = new Scaled(Place.of(fold), new float[] {0.5f, 2}, 0.5, 1);
    try (ModelSource edited = new EditedSource(model.open(), List.of(scaled))) {
      assertThatThrownBy(() -> edited.read(tensor(model, "gate.weight"), 0, 4))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("gate.weight: number 1 is 120000.0 once it is scaled");
    }
  }
}
