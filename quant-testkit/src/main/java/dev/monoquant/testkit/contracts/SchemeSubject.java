package dev.monoquant.testkit.contracts;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.ScriptRunner;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.OptionSamples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.ServiceLoader;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/**
 * The scheme under test of a {@link SchemeContract}: the scheme, its capabilities, and the inputs
 * to test it with. Only {@link #subject} has no default.
 */
public interface SchemeSubject {

  /** {@return the scheme to test, a new one or the same at each call} */
  Scheme subject();

  /** {@return whether it is found by its id, see {@link SchemeContract#isRegistered}} */
  default boolean registered() {
    return true;
  }

  /**
   * The options to try on a weight: the defaults, and each of the {@linkplain CommonOptions common
   * options} that the scheme declares at each of its values, as far as they fit the weight. Add
   * other options of the scheme, and combinations of values.
   *
   * @param rows the weight
   * @return complete options, at least one; the contract skips those that the scheme refuses
   */
  default List<OptionValues> options(WeightMatrix rows) {
    Scheme scheme = subject();
    OptionValues defaults = SchemeCase.defaults(scheme, rows);
    List<OptionSpec<?>> common =
        scheme.options().stream()
            .filter(option -> CommonOptions.NAMES.contains(option.name()))
            .toList();
    return OptionSamples.around(defaults, common).stream()
        .filter(o -> o.equals(defaults) || scheme.fit(rows, o) instanceof Fit.Fits)
        .toList();
  }

  /** {@return how to fill weights; omit patterns that the scheme refuses} */
  default Set<ValuePattern> patterns() {
    return EnumSet.allOf(ValuePattern.class);
  }

  /**
   * {@return the maximum rows of a weight; by default more than two blocks of the scheme's
   * defaults}
   */
  default int maxRows() {
    return 2 * GroupShape.of(subject()).rows() + 5;
  }

  /** {@return the maximum columns of a weight, at least {@link #colMultiple()}} */
  default int maxCols() {
    return 2 * colMultiple() + 40;
  }

  /**
   * {@return the number that divides the columns: by default the group size of the scheme's
   * defaults. Weights with other columns are also tested if the scheme accepts them}
   */
  default int colMultiple() {
    return GroupShape.of(subject()).cols();
  }

  /** {@return whether rows of zeros decode to zeros} */
  default boolean keepsZeros() {
    return true;
  }

  /** {@return whether a scale may be zero, as for empty blocks in some formats} */
  default boolean allowsZeroScales() {
    return false;
  }

  /** {@return whether ties round to the even code} */
  default boolean roundsToEven() {
    return true;
  }

  /** {@return whether it can compute both in plain Java and in torch} */
  default boolean computesBothWays() {
    return false;
  }

  /** {@return whether an engine is available to find leaked arrays; true starts it} */
  default boolean usesArrays() {
    return computesBothWays();
  }

  /**
   * {@return the runner of TorchScript on the class path, such as that of quant-script; starts the
   * PyTorch engine if there is one}
   */
  default Optional<ScriptRunner> scriptRunner() {
    return ServiceLoader.load(ScriptRunner.class).findFirst();
  }

  /**
   * {@return how far a decoded value may change when it is quantized again, in units of its row's
   * error bound; empty for no promise}
   */
  default OptionalDouble requantizingTolerance() {
    return OptionalDouble.empty();
  }

  /**
   * {@return cases with all options: weights that fit the scheme's defaults, and weights with any
   * number of columns if the scheme accepts them}
   */
  @Provide
  default Arbitrary<SchemeCase> schemeCases() {
    Arbitrary<SchemeCase> even = inAllOptions(weightSamples());
    if (colMultiple() == 1) {
      return even;
    }
    Arbitrary<SchemeCase> ragged =
        inAllOptions(Samples.weights(patterns(), maxRows(), maxCols(), 1));
    return Arbitraries.frequencyOf(
            Tuple.of(3, even),
            Tuple.of(
                1,
                Combinators.combine(ragged, even)
                    .as((any, suiting) -> any.isEncoded() ? any : suiting)))
        .withoutEdgeCases();
  }

  /** {@return weights that fit the scheme's defaults} */
  @Provide
  default Arbitrary<WeightSample> weightSamples() {
    return Samples.weights(patterns(), maxRows(), maxCols(), colMultiple());
  }

  private Arbitrary<SchemeCase> inAllOptions(Arbitrary<WeightSample> weights) {
    return weights
        .flatMap(
            weight ->
                Combinators.combine(
                        Arbitraries.of(options(weight.rows())),
                        Arbitraries.of(
                            computesBothWays()
                                ? List.of(Compute.AUTO, Compute.TORCH)
                                : List.of(Compute.AUTO)))
                    .as((options, compute) -> new SchemeCase(subject(), weight, options, compute)))
        .withoutEdgeCases();
  }
}
