package dev.monoquant.testkit.contracts;

import dev.monoquant.core.Plugins;
import dev.monoquant.model.Rows;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.RoundingLaws;
import dev.monoquant.testkit.laws.SchemeLaws;
import dev.monoquant.testkit.laws.TileDecoderLaws;
import dev.monoquant.testkit.laws.TileIndependenceLaws;
import dev.monoquant.testkit.laws.TileQuantizerLaws;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Everything that the framework relies on a {@link Scheme} for, as tests.
 *
 * <pre>{@code
 * class PowerOfTwoTest implements SchemeContract {
 *   @Override
 *   public Scheme subject() {
 *     return new PowerOfTwo();
 *   }
 * }
 * }</pre>
 *
 * <p>{@link #isRegistered} checks the registration on top; return {@code
 * Plugins.load().scheme("acme/pow2")} to try the registered scheme itself. The hooks say what the
 * scheme can do: override those whose default is not true for it. Nothing else needs to be written.
 */
public interface SchemeContract {

  /** {@return the scheme to try, a new one or the same at each call} */
  Scheme subject();

  /** {@return whether it is found by its id, see {@link #isRegistered}} */
  default boolean registered() {
    return true;
  }

  /**
   * The options to try on a weight. Add each granularity, width and profile that the scheme has.
   *
   * @param rows the weight
   * @return complete options, at least one; what the scheme refuses is left out
   */
  default List<Options> options(Rows rows) {
    return List.of(subject().defaults(rows));
  }

  /** {@return how to fill weights; leave out what the scheme refuses} */
  default Set<ValuePattern> patterns() {
    return EnumSet.allOf(ValuePattern.class);
  }

  /** {@return the most rows of a weight} */
  default int maxRows() {
    return 7;
  }

  /** {@return the most columns of a weight, at least {@link #colMultiple()}} */
  default int maxCols() {
    return 2 * colMultiple() + 40;
  }

  /** {@return what columns are a multiple of, such as the default group size} */
  default int colMultiple() {
    return 1;
  }

  /** {@return whether rows of zeros decode to zeros} */
  default boolean keepsZeros() {
    return true;
  }

  /** {@return whether a scale may be zero, as for empty blocks in some formats} */
  default boolean allowsZeroScales() {
    return false;
  }

  /** {@return whether numbers between two codes go to the even one} */
  default boolean roundsToEven() {
    return true;
  }

  /** {@return whether it can compute both in plain Java and in torch} */
  default boolean computesBothWays() {
    return false;
  }

  /** {@return whether an engine is at hand to look for leaked arrays, which starts it} */
  default boolean usesArrays() {
    return computesBothWays();
  }

  /**
   * {@return how far a decoded number may move when it is quantized again, in units of its row's
   * error bound; empty if nothing is promised}
   */
  default OptionalDouble requantizingTolerance() {
    return OptionalDouble.empty();
  }

  /** {@return cases that the scheme accepts, in all options} */
  @Provide
  default Arbitrary<SchemeCase> schemeCases() {
    return weightSamples()
        .flatMap(
            weight ->
                Arbitraries.of(options(weight.rows()))
                    .map(options -> new SchemeCase(subject(), weight, options)))
        .withoutEdgeCases();
  }

  /** {@return weights that suit the scheme's defaults} */
  @Provide
  default Arbitrary<WeightSample> weightSamples() {
    return Samples.weights(patterns(), maxRows(), maxCols(), colMultiple());
  }

  /** The scheme is found by its id, and is of the same class and version. */
  @Example
  default void isRegistered() {
    if (!registered()) {
      return;
    }
    Scheme subject = subject();
    Scheme found = Plugins.load().scheme(subject.id().name());
    if (found.getClass() != subject.getClass() || !found.id().equals(subject.id())) {
      throw new LawViolation(
          "isRegistered",
          subject.getClass().getName(),
          "%s is registered as %s of %s"
              .formatted(subject.id(), found.id(), found.getClass().getName()));
    }
  }

  /** See {@link SchemeLaws#idIsStable}. */
  @Example
  default void idIsStable() {
    SchemeLaws.idIsStable(subject());
  }

  /**
   * See {@link SchemeLaws#defaultsAreAccepted}.
   *
   * @param weight generated
   */
  @Property(tries = 50)
  default void defaultsAreAccepted(@ForAll("weightSamples") WeightSample weight) {
    SchemeLaws.defaultsAreAccepted(subject(), weight.rows());
  }

  /**
   * See {@link SchemeLaws#encodingFollowsShapesAlone}, {@link SchemeLaws#needsAreStable} and {@link
   * SchemeLaws#unknownProfileIsRefused}.
   *
   * @param c generated
   */
  @Property(tries = 50)
  default void declaresWhatItDoes(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    SchemeLaws.encodingFollowsShapesAlone(c);
    SchemeLaws.needsAreStable(c);
    SchemeLaws.unknownProfileIsRefused(c);
  }

  /**
   * See {@link TileQuantizerLaws#throwsOnlyOnPurpose}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void throwsOnlyOnPurpose(@ForAll("schemeCases") SchemeCase c) {
    TileQuantizerLaws.throwsOnlyOnPurpose(c);
  }

  /**
   * See {@link TileQuantizerLaws#returnsDeclaredParts}, {@link
   * TileQuantizerLaws#codesFitTheirType}, {@link TileQuantizerLaws#floatsAreFinite}, {@link
   * TileQuantizerLaws#scalesAreNotZero}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void returnsSoundParts(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileQuantizerLaws.returnsDeclaredParts(c);
    TileQuantizerLaws.codesFitTheirType(c);
    TileQuantizerLaws.floatsAreFinite(c);
    if (!allowsZeroScales()) {
      TileQuantizerLaws.scalesAreNotZero(c);
    }
  }

  /**
   * See {@link TileQuantizerLaws#readsOnlyItsNumbers}, {@link TileIndependenceLaws#repeats}, {@link
   * TileIndependenceLaws#keepsNothing}.
   *
   * @param c generated
   */
  @Property(tries = 100)
  default void keepsToItsTile(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileQuantizerLaws.readsOnlyItsNumbers(c);
    TileIndependenceLaws.repeats(c);
    TileIndependenceLaws.keepsNothing(c);
  }

  /**
   * See {@link TileIndependenceLaws#heightDoesNotMatter}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void heightDoesNotMatter(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileIndependenceLaws.heightDoesNotMatter(c);
  }

  /**
   * See {@link TileIndependenceLaws#orderDoesNotMatter}.
   *
   * @param c generated
   */
  @Property(tries = 100)
  default void orderDoesNotMatter(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileIndependenceLaws.orderDoesNotMatter(c);
  }

  /**
   * See {@link TileIndependenceLaws#threadsDoNotMatter}.
   *
   * @param c generated
   */
  @Property(tries = 30)
  default void threadsDoNotMatter(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileIndependenceLaws.threadsDoNotMatter(c);
  }

  /**
   * See {@link RoundingLaws#tiesGoToEven}.
   *
   * @param c generated
   */
  @Property(tries = 20)
  default void tiesGoToEven(@ForAll("schemeCases") SchemeCase c) {
    if (roundsToEven()) {
      RoundingLaws.tiesGoToEven(c);
    }
  }

  /**
   * See {@link TileDecoderLaws#writesExactlyItsNumbers}, {@link TileDecoderLaws#decodingReadsOnly},
   * {@link TileDecoderLaws#decodesRowsAlone}, {@link TileDecoderLaws#decodesToItsType}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void decodesProperly(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileDecoderLaws.writesExactlyItsNumbers(c);
    TileDecoderLaws.decodingReadsOnly(c);
    TileDecoderLaws.decodesRowsAlone(c);
    TileDecoderLaws.decodesToItsType(c);
  }

  /**
   * See {@link TileDecoderLaws#staysWithinErrorBound}.
   *
   * @param c generated
   */
  @Property(tries = 1000)
  default void staysWithinErrorBound(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileDecoderLaws.staysWithinErrorBound(c);
  }

  /**
   * See {@link TileDecoderLaws#zeroRowsDecodeToZero}.
   *
   * @param c generated
   */
  @Property(tries = 50)
  default void zeroRowsDecodeToZero(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    if (keepsZeros()) {
      TileDecoderLaws.zeroRowsDecodeToZero(c);
    }
  }

  /**
   * See {@link TileDecoderLaws#requantizingStays}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void requantizingStays(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    requantizingTolerance().ifPresent(tolerance -> TileDecoderLaws.requantizingStays(c, tolerance));
  }

  /**
   * See {@link TileQuantizerLaws#torchEqualsJvm}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void torchEqualsJvm(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    if (computesBothWays()) {
      TileQuantizerLaws.torchEqualsJvm(c);
    }
  }

  /**
   * See {@link TileQuantizerLaws#leavesNoArrays} and {@link TileDecoderLaws#leavesNoArrays}.
   *
   * @param c generated
   */
  @Property(tries = 20)
  default void leavesNoArrays(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    if (usesArrays()) {
      TileQuantizerLaws.leavesNoArrays(c);
      TileDecoderLaws.leavesNoArrays(c);
    }
  }
}
