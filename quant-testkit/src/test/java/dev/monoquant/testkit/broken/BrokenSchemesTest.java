package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.SchemeLaws;
import dev.monoquant.testkit.laws.TileDecoderLaws;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Schemes that declare something wrong, one fault each, and the one law that must see it. */
class BrokenSchemesTest {

  @Test
  void soundOneBreaksNone() {
    assertThat(ToyCases.caught(new Toy())).isEmpty();
    for (WeightSample weight : ToyCases.WEIGHTS) {
      SchemeCase c = new SchemeCase(new Toy(), weight);
      TileDecoderLaws.zeroRowsDecodeToZero(c);
      TileDecoderLaws.requantizingChangesNothing(c, 0);
    }
  }

  @Test
  void violationSaysWhatIsNeededToRepeatIt() {
    Toy broken =
        new Toy() {
          @Override
          double bound(float scale) {
            return Double.NaN;
          }
        };
    SchemeCase c =
        new SchemeCase(broken, WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT16, 2, 3, 7));
    assertThatThrownBy(() -> TileDecoderLaws.staysWithinErrorBound(c))
        .isInstanceOf(LawViolation.class)
        .hasMessageContaining("staysWithinErrorBound")
        .hasMessageContaining("acme/toy@1")
        .hasMessageContaining("WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT16, 2, 3, 7L)")
        .hasMessageContaining("NaN")
        .hasMessageEndingWith(
            "To repeat it: TileDecoderLaws.staysWithinErrorBound(new SchemeCase("
                + "new BrokenSchemesTest$1(), "
                + "WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT16, 2, 3, 7L), "
                + "new OptionValues(Map.ofEntries(Map.entry(\"bits\", \"8\"), "
                + "Map.entry(\"granularity\", \"channel\"), "
                + "Map.entry(\"profile\", \"acme\"), "
                + "Map.entry(\"symmetric\", \"true\")))))")
        .hasMessageNotContaining("\n");
  }

  /** Goes by the name of the layer. Caught by {@code encodingFollowsShapesAlone}. */
  @Test
  void looksAtNames() {
    Toy broken =
        new Toy() {
          @Override
          Encoding encoding(WeightMatrix rows, OptionValues options) {
            return super.encoding(
                rows,
                options.with(
                    CommonOptions.SYMMETRIC,
                    options.symmetric() && !rows.layer().startsWith("other")));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("encodingFollowsShapesAlone");
  }

  /** Follows any profile. Caught by {@code optionsOutsideAreRefused}. */
  @Test
  void followsAnyProfile() {
    assertThat(ToyCases.caught(with(CommonOptions.PROFILE)))
        .containsExactly("optionsOutsideAreRefused");
  }

  /** Has codes of any width. Caught by {@code optionsOutsideAreRefused}. */
  @Test
  void hasAnyWidth() {
    assertThat(ToyCases.caught(with(CommonOptions.BITS)))
        .containsExactly("optionsOutsideAreRefused");
  }

  /** Means something else by a common option. Caught by {@code optionsAreDescribed}. */
  @Test
  void hasItsOwnBits() {
    OptionSpec<String> words = OptionSpec.choice("bits", "eight", List.of("eight"), "Bits");
    assertThat(ToyCases.caught(with(words))).containsExactly("optionsAreDescribed");
  }

  /** A toy that describes one option in another way. */
  private static Toy with(OptionSpec<?> other) {
    return new Toy() {
      @Override
      public List<OptionSpec<?>> options() {
        List<OptionSpec<?>> all = new ArrayList<>(super.options());
        all.replaceAll(option -> option.name().equals(other.name()) ? other : option);
        return all;
      }
    };
  }

  /** Refuses what it gives itself. Caught by {@code defaultsAreAccepted}. */
  @Test
  void refusesItsDefaults() {
    Toy broken =
        new Toy() {
          @Override
          public Fit fit(WeightMatrix rows, OptionValues options) {
            return options.symmetric()
                ? Fit.not("its codes are symmetric")
                : super.fit(rows, options);
          }
        };
    WeightSample weight = ToyCases.WEIGHTS.get(0);
    SchemeCase c = new SchemeCase(broken, weight, OptionValues.of(8, false, Granularity.CHANNEL));
    assertThat(Caught.by(SchemeLaws.all(), List.of(c))).containsExactly("defaultsAreAccepted");
  }

  /** Names options that do not fit either. Caught by {@code nearestOptionsFit}. */
  @Test
  void namesOptionsThatDoNotFit() {
    assertThat(ToyCases.caught(nearest("it has no groups", Granularity.group(3))))
        .containsExactly("nearestOptionsFit");
  }

  /** Names options that it does not allow. Caught by {@code nearestOptionsFit}. */
  @Test
  void namesOptionsThatItDoesNotAllow() {
    assertThat(ToyCases.caught(nearest("it has no groups", Granularity.TENSOR)))
        .containsExactly("nearestOptionsFit");
  }

  @Test
  void namesOptionsThatFit() {
    assertThat(ToyCases.caught(nearest("it has no groups", Granularity.CHANNEL))).isEmpty();
  }

  /** A toy that declares groups, refuses them for all weights, and names something instead. */
  private static Toy nearest(String reason, Granularity instead) {
    return new Toy() {
      @Override
      public List<OptionSpec<?>> options() {
        List<OptionSpec<?>> all = new ArrayList<>(super.options());
        all.replaceAll(
            option ->
                option.name().equals("granularity")
                    ? CommonOptions.granularity("channel", "group:N")
                    : option);
        return all;
      }

      @Override
      public Fit fit(WeightMatrix rows, OptionValues options) {
        return options.granularity().equals(Granularity.CHANNEL)
            ? super.fit(rows, options)
            : new Fit.Unfit(reason, List.of(options.with(CommonOptions.GRANULARITY, instead)));
      }
    };
  }

  /** Refuses without a word. Caught by {@code nearestOptionsFit}. */
  @Test
  void doesNotSayWhy() {
    assertThat(ToyCases.caught(nearest(" ", Granularity.CHANNEL)))
        .containsExactly("nearestOptionsFit");
  }

  /** Describes other options at each call. Caught by {@code optionsAreDescribed}. */
  @Test
  void changesItsOptions() {
    AtomicInteger calls = new AtomicInteger();
    Toy broken =
        new Toy() {
          @Override
          public List<OptionSpec<?>> options() {
            int most = calls.incrementAndGet();
            List<OptionSpec<?>> all = new ArrayList<>(super.options());
            all.add(OptionSpec.integer("steps", 1, 1, most, "Steps of nothing"));
            return all;
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("optionsAreDescribed");
  }

  /** Gives itself an option that it does not describe. Caught by {@code optionsAreDescribed}. */
  @Test
  void hidesAnOption() {
    Toy broken =
        new Toy() {
          @Override
          public OptionValues defaults(WeightMatrix rows) {
            return super.defaults(rows).with(Map.of("secret", "1"));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("optionsAreDescribed");
  }

  /** Counts its versions up. Caught by {@code idIsStable}. */
  @Test
  void changesItsId() {
    AtomicInteger version = new AtomicInteger();
    Toy broken =
        new Toy() {
          @Override
          public SchemeId id() {
            return new SchemeId("acme/toy", version.incrementAndGet());
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("idIsStable");
  }

  /** Needs the range once it has begun. Caught by {@code needsAreStable}. */
  @Test
  void needsMoreLater() {
    Toy broken =
        new Toy() {
          private boolean begun;

          @Override
          public Set<Need> needs(OptionValues options) {
            return begun ? Set.of(Need.TENSOR_RANGE) : Set.of();
          }

          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            begun = true;
            return super.begin(rows, options, facts, compute);
          }

          @Override
          Encoding encoding(WeightMatrix rows, OptionValues options) {
            begun = false;
            return super.encoding(rows, options);
          }
        };
    SchemeCase c = new SchemeCase(broken, ToyCases.WEIGHTS.get(0));
    assertThat(Caught.by(SchemeLaws.all(), List.of(c))).containsExactly("needsAreStable");
  }

  /** Takes statistics of inputs for granted. Caught by {@code inputsMayBeUnknown}. */
  @Test
  void insistsOnInputs() {
    Toy broken =
        new Toy() {
          @Override
          public Set<Need> uses(OptionValues options) {
            return Set.of(Need.INPUT_SQUARES);
          }

          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            float[] squares = facts.inputSquares().orElseThrow();
            assertThat(squares).hasSize(Math.toIntExact(rows.columnCount()));
            return super.begin(rows, options, facts, compute);
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("inputsMayBeUnknown");
  }

  @Test
  void refusedWeightsAreNotAccepted() {
    SchemeCase c =
        new SchemeCase(
            new Toy(),
            ToyCases.WEIGHTS.get(0),
            OptionValues.of(8, true, Granularity.CHANNEL).with(CommonOptions.PROFILE, "torch"));
    assertThat(c.accepted()).isFalse();
  }
}
