package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.TestExecutionResult.Status.ABORTED;
import static org.junit.platform.engine.TestExecutionResult.Status.FAILED;

import ai.djl.ndarray.NDList;
import dev.monoquant.ConfigurationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.contracts.OutputFormatContract;
import dev.monoquant.testkit.contracts.SchemeContract;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.example.FlatOutput;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.laws.DamageLaws;
import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.RoundingLaws;
import dev.monoquant.testkit.laws.SourceCase;
import dev.monoquant.tile.Encoding;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Contracts as their users run them: what is sound passes, what does not apply is skipped, and a
 * mistake that shows in a second group only is found with no hook but the subject.
 */
class ContractTest {

  @TempDir private Path folder;

  /** With nothing but what a guide says must be written, and no registration. */
  private interface Plain extends SchemeContract {
    @Override
    default boolean registered() {
      return false;
    }
  }

  static final class Sound implements Plain {
    @Override
    public Scheme subject() {
      return new ToyGroups();
    }
  }

  @Test
  void aSoundSchemePassesAndWhatDoesNotApplyIsSkipped() {
    ContractRun run = ContractRun.of(Sound.class, folder);
    assertThat(run.tests(FAILED)).isEmpty();
    assertThat(run.tests(ABORTED))
        .containsExactly(
            "codesFitTheirType",
            "isRegistered",
            "leavesNoArrays",
            "requantizingChangesNothing",
            "torchEqualsJvm",
            "torchScriptEqualsDecoder");
    assertThat(run.message("torchEqualsJvm"))
        .isEqualTo("law torchEqualsJvm does not apply: computesBothWays() is false");
    assertThat(run.message("codesFitTheirType"))
        .isEqualTo("law codesFitTheirType does not apply: no part has codes below 8 bits");
  }

  /** Decodes all groups with the scale of the first. */
  static final class FirstGroup implements Plain {
    @Override
    public Scheme subject() {
      return new ToyGroups() {
        @Override
        int group(int col, int cols) {
          return 0;
        }
      };
    }
  }

  @Test
  void aDecoderThatKnowsTheFirstGroupOnlyIsFound() {
    assertThat(ContractRun.of(FirstGroup.class, folder).tests(FAILED))
        .contains("staysWithinErrorBound");
  }

  /** Decodes what is left over at the end of a row with the scale of the group before. */
  static final class RaggedGroup implements Plain {
    @Override
    public Scheme subject() {
      return new ToyGroups() {
        @Override
        int group(int col, int cols) {
          return Math.min(col / SIZE, Math.max(0, cols / SIZE - 1));
        }
      };
    }
  }

  @Test
  void aDecoderThatForgetsARaggedGroupIsFound() {
    assertThat(ContractRun.of(RaggedGroup.class, folder).tests(FAILED))
        .contains("staysWithinErrorBound");
  }

  /** Takes no ragged groups. */
  static final class EvenGroups implements Plain {
    @Override
    public Scheme subject() {
      return new ToyGroups() {
        @Override
        Encoding encoding(WeightMatrix rows, OptionValues options) {
          if (rows.columnCount() % SIZE != 0) {
            throw new ConfigurationException("columns are a multiple of " + SIZE);
          }
          return super.encoding(rows, options);
        }
      };
    }
  }

  @Test
  void aSchemeWithoutRaggedGroupsIsTriedWithoutThem() {
    ContractRun run = ContractRun.of(EvenGroups.class, folder);
    assertThat(run.tests(FAILED)).isEmpty();
    assertThat(run.tests(ABORTED)).contains("casesHaveRaggedGroups");
    assertThat(run.tests(ABORTED)).doesNotContain("casesHaveTwoGroups", "staysWithinErrorBound");
  }

  /** Weights that are too narrow to see anything of a second group. */
  static final class TooNarrow implements Plain {
    @Override
    public Scheme subject() {
      return new ToyGroups();
    }

    @Override
    public int maxCols() {
      return ToyGroups.SIZE;
    }
  }

  @Test
  void weightsThatNeverHaveTwoGroupsAreAFailure() {
    ContractRun run = ContractRun.of(TooNarrow.class, folder);
    assertThat(run.tests(FAILED)).containsExactly("casesHaveTwoGroups");
    assertThat(run.message("casesHaveTwoGroups"))
        .contains("scale of 64 columns: no case had two groups: raise maxCols()");
  }

  static final class UnreadOutput implements OutputFormatContract {
    @Override
    public OutputFormat subject() {
      return new FlatOutput();
    }

    @Override
    public String targetName() {
      return "out.flat";
    }
  }

  @Test
  void anOutputThatNobodyReadsIsNotReadBack() {
    assertThat(ContractRun.of(UnreadOutput.class, folder).tests(ABORTED))
        .containsExactly("readsBack");
  }

  @Test
  void callersWithoutAnEngineGetTheReason() {
    Law<SchemeCase> ties = new Law<>("tiesGoToEven", RoundingLaws::tiesGoToEven);
    WeightSample weight = WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT32, 2, 3, 1);
    SchemeCase applies = new SchemeCase(new Toy(), weight);
    assertThat(ties.check(applies)).isEmpty();
    assertThat(
            ties.check(
                new SchemeCase(new Toy(), weight, applies.options().with(CommonOptions.BITS, 16))))
        .contains("codes of 16 bits are more than this law tests");
    Law<SourceCase> damage = new Law<>("damageIsReported", DamageLaws::damageIsReported);
    assertThat(damage.check(new SourceCase(new MemoryFormat(), ModelInput.of(new NDList()))))
        .contains("a live object is not read from a file");
  }
}
