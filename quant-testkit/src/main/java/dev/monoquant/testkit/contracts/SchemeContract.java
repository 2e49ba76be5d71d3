package dev.monoquant.testkit.contracts;

import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.ScriptRunner;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.CoverageLaws;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.NotApplicable;
import dev.monoquant.testkit.laws.RoundingLaws;
import dev.monoquant.testkit.laws.SchemeLaws;
import dev.monoquant.testkit.laws.TileDecoderLaws;
import dev.monoquant.testkit.laws.TileIndependenceLaws;
import dev.monoquant.testkit.laws.TileQuantizerLaws;
import dev.monoquant.testkit.laws.TorchScriptLaws;
import java.util.List;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the framework on a {@link Scheme}.
 *
 * <pre>{@code
 * class PowerOfTwoTest implements SchemeContract {
 *   public Scheme subject() {
 *     return new PowerOfTwo();
 *   }
 * }
 * }</pre>
 *
 * <p>{@link #isRegistered} also checks the registration; return {@code
 * Plugins.load().scheme("acme/pow2")} to test the registered scheme itself. The methods of {@link
 * SchemeSubject} declare what the scheme supports: override those whose default does not apply.
 *
 * <p>A law that never applied is reported as a skipped test, with the reason.
 */
@AddLifecycleHook(Judging.class)
public interface SchemeContract extends SchemeSubject {

  /** The scheme is found by its id, and has the same class and version. */
  @Example
  default void isRegistered() {
    Judging.judge("isRegistered", registered(), "registered() is false", this::requireRegistered);
  }

  private void requireRegistered() {
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

  /** See {@link CoverageLaws#casesHaveTwoGroups}. */
  @Example
  default void casesHaveTwoGroups() {
    Judging.judge(() -> CoverageLaws.casesHaveTwoGroups(manyCases()));
  }

  /** See {@link CoverageLaws#casesHaveRaggedGroups}. */
  @Example
  default void casesHaveRaggedGroups() {
    Judging.judge(() -> CoverageLaws.casesHaveRaggedGroups(manyCases()));
  }

  private List<SchemeCase> manyCases() {
    // With a probability of 1 in 800 million, none of the 400 has a property of one in twenty.
    return schemeCases().sampleStream().limit(400).toList();
  }

  /**
   * See {@link SchemeLaws#defaultsAreAccepted}, {@link SchemeLaws#optionsAreDescribed} and {@link
   * SchemeLaws#nearestOptionsFit}.
   *
   * @param weight generated
   */
  @Property(tries = 50)
  default void defaultsAreAccepted(@ForAll("weightSamples") WeightSample weight) {
    SchemeLaws.defaultsAreAccepted(subject(), weight.rows());
    SchemeLaws.optionsAreDescribed(subject(), weight.rows());
    SchemeLaws.nearestOptionsFit(subject(), weight.rows());
  }

  /** See {@link SchemeLaws#optionsOutsideAreRefused}. */
  @Example
  default void optionsOutsideAreRefused() {
    SchemeLaws.optionsOutsideAreRefused(subject());
  }

  /**
   * See {@link SchemeLaws#encodingFollowsShapesAlone}, {@link SchemeLaws#needsAreStable} and {@link
   * SchemeLaws#inputsMayBeUnknown}.
   *
   * @param c generated
   */
  @Property(tries = 50)
  default void declarationsAreConsistent(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    SchemeLaws.encodingFollowsShapesAlone(c);
    SchemeLaws.needsAreStable(c);
    SchemeLaws.inputsMayBeUnknown(c);
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
   * See {@link TileQuantizerLaws#returnsDeclaredParts}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void returnsDeclaredParts(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileQuantizerLaws.returnsDeclaredParts(c);
  }

  /**
   * See {@link TileQuantizerLaws#codesFitTheirType}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void codesFitTheirType(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(() -> TileQuantizerLaws.codesFitTheirType(c));
  }

  /**
   * See {@link TileQuantizerLaws#floatsAreFinite}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void floatsAreFinite(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(() -> TileQuantizerLaws.floatsAreFinite(c));
  }

  /**
   * See {@link TileQuantizerLaws#scalesAreNotZero}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void scalesAreNotZero(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(
        "scalesAreNotZero",
        !allowsZeroScales(),
        "allowsZeroScales() is true",
        () -> TileQuantizerLaws.scalesAreNotZero(c));
  }

  /**
   * See {@link TileQuantizerLaws#readsOnlyItsValues}, {@link TileIndependenceLaws#repeats}, {@link
   * TileIndependenceLaws#retainsNothing}.
   *
   * @param c generated
   */
  @Property(tries = 100)
  default void usesOnlyItsTile(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileQuantizerLaws.readsOnlyItsValues(c);
    TileIndependenceLaws.repeats(c);
    TileIndependenceLaws.retainsNothing(c);
  }

  /**
   * See {@link TileIndependenceLaws#heightDoesNotMatter}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void heightDoesNotMatter(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(() -> TileIndependenceLaws.heightDoesNotMatter(c));
  }

  /**
   * See {@link TileIndependenceLaws#orderDoesNotMatter}.
   *
   * @param c generated
   */
  @Property(tries = 100)
  default void orderDoesNotMatter(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(() -> TileIndependenceLaws.orderDoesNotMatter(c));
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
    Judging.judge(
        "tiesGoToEven",
        roundsToEven(),
        "roundsToEven() is false",
        () -> RoundingLaws.tiesGoToEven(c));
  }

  /**
   * See {@link TileDecoderLaws#writesExactlyItsValues}, {@link TileDecoderLaws#decodingReadsOnly},
   * {@link TileDecoderLaws#decodesRowsAlone}, {@link TileDecoderLaws#decodesToItsType}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void decodesWithinItsBounds(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    TileDecoderLaws.writesExactlyItsValues(c);
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
    Judging.judge(() -> TileDecoderLaws.staysWithinErrorBound(c));
  }

  /**
   * See {@link TileDecoderLaws#zeroRowsDecodeToZero}.
   *
   * @param c generated
   */
  @Property(tries = 50)
  default void zeroRowsDecodeToZero(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(
        "zeroRowsDecodeToZero",
        keepsZeros(),
        "keepsZeros() is false",
        () -> TileDecoderLaws.zeroRowsDecodeToZero(c));
  }

  /**
   * See {@link TileDecoderLaws#requantizingChangesNothing}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void requantizingChangesNothing(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(
        "requantizingChangesNothing",
        requantizingTolerance().isPresent(),
        "requantizingTolerance() is empty",
        () -> TileDecoderLaws.requantizingChangesNothing(c, requantizingTolerance().orElseThrow()));
  }

  /**
   * See {@link TileQuantizerLaws#torchEqualsJvm}.
   *
   * @param c generated
   */
  @Property(tries = 200)
  default void torchEqualsJvm(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(
        "torchEqualsJvm",
        computesBothWays(),
        "computesBothWays() is false",
        () -> TileQuantizerLaws.torchEqualsJvm(c));
  }

  /**
   * See {@link TorchScriptLaws#torchScriptEqualsDecoder}.
   *
   * @param c generated
   */
  @Property(tries = 20)
  default void torchScriptEqualsDecoder(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(() -> TorchScriptLaws.torchScriptEqualsDecoder(c, availableRunner()));
  }

  private ScriptRunner availableRunner() {
    String law = "torchScriptEqualsDecoder";
    ScriptRunner runner =
        scriptRunner()
            .orElseThrow(
                () -> new NotApplicable(law, "nothing runs TorchScript: test with quant-script"));
    runner
        .unavailable()
        .ifPresent(
            reason -> {
              throw new NotApplicable(law, reason);
            });
    return runner;
  }

  /**
   * See {@link TileQuantizerLaws#leavesNoArrays} and {@link TileDecoderLaws#leavesNoArrays}.
   *
   * @param c generated
   */
  @Property(tries = 20)
  default void leavesNoArrays(@ForAll("schemeCases") SchemeCase c) {
    Assume.that(c.accepted());
    Judging.judge(
        "leavesNoArrays",
        usesArrays(),
        "usesArrays() is false",
        () -> {
          TileQuantizerLaws.leavesNoArrays(c);
          TileDecoderLaws.leavesNoArrays(c);
        });
  }
}
