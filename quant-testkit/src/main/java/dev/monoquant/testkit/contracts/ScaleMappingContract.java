package dev.monoquant.testkit.contracts;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import dev.monoquant.testkit.data.PlainScaling;
import dev.monoquant.testkit.laws.LawViolation;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements on a {@link ScaleMapping}. The author writes down what the model
 * computes, in plain code; the law is that it computes the same with any factors.
 *
 * <pre>{@code
 * class OwnScalingTest implements ScaleMappingContract {
 *   public ScaleMapping subject() {
 *     return new OwnScaling();
 *   }
 *
 *   public ModelInfo model() {
 *     return ModelInfo.of("own", List.of(new TensorInfo("norm.weight",
 *         ElementType.FLOAT32, TensorShape.of(8)), ...));
 *   }
 *
 *   public double[] compute(Map<String, double[]> tensors, Random random) {
 *     ...
 *   }
 * }
 * }</pre>
 */
@AddLifecycleHook(Judging.class)
public interface ScaleMappingContract {

  /** {@return the mapping to try} */
  ScaleMapping subject();

  /** {@return a model that it knows, small, with every kind of tensor} */
  ModelInfo model();

  /**
   * Computes what the model computes, for some input.
   *
   * @param tensors the numbers of each tensor in row-major order, by its name; not changed
   * @param random makes the input: the same at each call of one try
   * @return the outputs
   */
  double[] compute(Map<String, double[]> tensors, Random random);

  /** {@return whether it is registered as a service} */
  default boolean registered() {
    return true;
  }

  /** {@code ServiceLoader} finds its class. */
  @Example
  default void isRegistered() {
    Judging.judgeRegistered(registered(), subject().id(), subject());
  }

  /** It names classes or recognises the model by its names, the same at each call. */
  @Example
  default void namesItsModels() {
    require(
        subject().models().equals(subject().models())
            && (!subject().models().isEmpty() || subject().recognises(model())),
        "namesItsModels",
        "models() differs from call to call, or it knows no model");
  }

  /** Two calls give the same folds, and there is one. */
  @Example
  default void mapsTheSameTwice() {
    ScaleFolds first = subject().folds(model());
    require(
        first.equals(subject().folds(model())) && !first.folds().isEmpty(),
        "mapsTheSameTwice",
        "two calls give different folds, or none");
  }

  /** Tensors are there, none is multiplied twice or divided twice, and none is left and folded. */
  @Example
  default void foldsWhatThereIsOnce() {
    Set<TensorInfo> there = new HashSet<>(model().tensors());
    Set<String> divided = new HashSet<>();
    Set<String> multiplied = new HashSet<>();
    ScaleFolds all = subject().folds(model());
    for (ScaleFold fold : all.folds()) {
      for (Side side : fold.divided()) {
        require(
            there.contains(side.tensor()) && divided.add(side.tensor().name()),
            "foldsWhatThereIsOnce",
            side.tensor().name() + " is not there, or divided twice");
      }
      for (Side side : fold.multiplied()) {
        require(
            there.contains(side.tensor()) && multiplied.add(side.tensor().name()),
            "foldsWhatThereIsOnce",
            side.tensor().name() + " is not there, or multiplied twice");
      }
    }
    for (String left : all.left().keySet()) {
      require(
          there.stream().anyMatch(tensor -> tensor.name().equals(left))
              && !multiplied.contains(left),
          "foldsWhatThereIsOnce",
          left + " is left, and it is not there or in a fold");
    }
  }

  /**
   * With any factors the model computes the same within rounding: all readers are in a fold.
   *
   * @param seed of the numbers and the factors
   */
  @Property(tries = 50)
  default void computesTheSame(@ForAll long seed) {
    Map<String, double[]> tensors = numbers(new Random(seed));
    Map<String, double[]> scaled = new HashMap<>();
    tensors.forEach((name, numbers) -> scaled.put(name, numbers.clone()));
    Random random = new Random(~seed);
    for (ScaleFold fold : subject().folds(model()).folds()) {
      double[] factors = new double[fold.size()];
      for (int i = 0; i < factors.length; i++) {
        factors[i] = Math.pow(2, 4 * random.nextDouble() - 2);
      }
      PlainScaling.apply(scaled, fold, factors);
    }
    double[] before = compute(tensors, new Random(seed));
    double[] after = compute(scaled, new Random(seed));
    double most = 0;
    for (double value : before) {
      most = Math.max(most, Math.abs(value));
    }
    require(
        before.length == after.length && most > 0 && Double.isFinite(most),
        "computesTheSame",
        "compute gives " + before.length + " and " + after.length + " numbers up to " + most);
    for (int i = 0; i < before.length; i++) {
      require(
          Math.abs(before[i] - after[i]) <= 1e-9 * most,
          "computesTheSame",
          "output " + i + " is " + before[i] + ", with factors " + after[i]);
    }
  }

  /** Changing one side alone changes the model, so that {@link #compute} uses each fold. */
  @Example
  default void everyFoldCounts() {
    List<ScaleFold> folds = subject().folds(model()).folds();
    Map<String, double[]> tensors = numbers(new Random(1));
    double[] before = compute(tensors, new Random(2));
    for (ScaleFold fold : folds) {
      for (Side side :
          Stream.concat(fold.divided().stream(), fold.multiplied().stream()).toList()) {
        Map<String, double[]> changed = new HashMap<>(tensors);
        double[] numbers = Objects.requireNonNull(tensors.get(side.tensor().name())).clone();
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] += 0.5 + i;
        }
        changed.put(side.tensor().name(), numbers);
        require(
            !Arrays.equals(before, compute(changed, new Random(2))),
            "everyFoldCounts",
            "compute does not use " + side.tensor().name());
      }
    }
  }

  private Map<String, double[]> numbers(Random random) {
    Map<String, double[]> tensors = new HashMap<>();
    for (TensorInfo tensor : model().tensors()) {
      double[] numbers = new double[Math.toIntExact(tensor.shape().elements())];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = random.nextGaussian();
      }
      tensors.put(tensor.name(), numbers);
    }
    return tensors;
  }

  private void require(boolean holds, String law, String message) {
    if (!holds) {
      throw new LawViolation(law, subject().getClass().getName(), message);
    }
  }
}
