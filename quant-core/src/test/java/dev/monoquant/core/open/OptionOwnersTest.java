package dev.monoquant.core.open;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PluginException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.FakeLayers;
import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Plan;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Options of the input format's and of layer quantizers' own, and whose an option is. */
class OptionOwnersTest {

  private static final OptionSpec<Integer> SKIP =
      OptionSpec.integer("skip", 1, 0, 9, "How much of it to pass over");
  private static final OptionSpec<Integer> AXIS =
      OptionSpec.integer("axis", 0, 0, 1, "Which axis is the outputs");

  private static final QuantizationConfig FAKE =
      QuantizationConfig.builder().scheme("fake").build();

  private final Skipping reading = new Skipping("test/reading");

  /** An input format with an option. */
  private static final class Skipping implements InputFormatDetector {
    private final String id;
    private final List<OptionValues> seen = new ArrayList<>();

    Skipping(String id) {
      this.id = id;
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(SKIP);
    }

    @Override
    public Match probe(ModelInput input) {
      return input.describe().endsWith(".skip") ? Match.CERTAIN : Match.NONE;
    }

    @Override
    public ModelSource open(ModelInput input, ReadLimits limits) {
      throw new AssertionError("the other one is to be called");
    }

    @Override
    public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options) {
      seen.add(options);
      return MemoryModel.named("fake")
          .sines("fc1.weight", 16, 32)
          .sines("fc2.weight", 32, 16)
          .build()
          .open();
    }
  }

  /** An input format without. */
  private static final class Plain implements InputFormatDetector {
    @Override
    public String id() {
      return "test/plain";
    }

    @Override
    public Match probe(ModelInput input) {
      return input.describe().endsWith(".skip") ? Match.NONE : Match.CERTAIN;
    }

    @Override
    public ModelSource open(ModelInput input, ReadLimits limits) {
      return MemoryModel.named("fake")
          .sines("fc1.weight", 16, 32)
          .sines("fc2.weight", 32, 16)
          .build()
          .open();
    }
  }

  /** A layer quantizer with an option. */
  private static final class Axes implements LayerQuantizer {
    @Override
    public String id() {
      return "test/axes";
    }

    @Override
    public List<OptionSpec<?>> options() {
      return List.of(AXIS);
    }

    @Override
    public List<WeightMatrix> weights(Layer layer) {
      throw new AssertionError("the other one is to be called");
    }

    @Override
    public List<WeightMatrix> weights(Layer layer, OptionValues options) {
      return layer
          .tensor("weight")
          .map(
              t ->
                  List.of(
                      new WeightMatrix(layer.name(), layer.kind(), "weight", t, options.get(AXIS))))
          .orElse(List.of());
    }
  }

  /** An output format that describes an option, and does nothing else. */
  private static OutputFormat output(String id, String option) {
    List<OptionSpec<?>> options =
        option.isEmpty() ? List.of() : List.of(OptionSpec.flag(option, false, "Whether"));
    return new ForwardingOutput(new MemoryOutput()) {
      @Override
      public String id() {
        return id;
      }

      @Override
      public List<OptionSpec<?>> options() {
        return options;
      }
    };
  }

  private Quantizer quantizer() {
    return Quantizer.create()
        .withPlugins(
            Plugins.of(
                reading,
                new Plain(),
                new Axes(),
                new FakeScheme(),
                output("test/silent", ""),
                output("test/loud", "loud")));
  }

  private static ModelInput input(String name) {
    return ModelInput.of(Path.of(name));
  }

  private static QuantizationConfig with(String name, String value) {
    return FAKE.overrideWith(
        QuantizationConfig.builder()
            .layer("fc*", LayerKind.LINEAR)
            .option(name, value)
            .format("test/silent")
            .build());
  }

  private Plan plan(QuantizationConfig config) {
    return quantizer().plan(input("m.skip"), config, Optional.of(Path.of("out")));
  }

  @Test
  void aDetectorGetsEveryOptionCheckedAndInCanonicalForm() {
    plan(with("skip", "07"));
    quantizer().withInputOption("skip", "3").inspect(input("m.skip"));
    quantizer().inspect(input("m.skip"));
    assertThat(reading.seen)
        .extracting(values -> values.texts().toString())
        .containsExactly("{skip=7}", "{skip=3}", "{skip=1}");
    assertThat(reading.seen.get(0).get(SKIP)).isEqualTo(7);
    assertThat(OptionValues.DEFAULTS.get(SKIP)).isEqualTo(1);
  }

  @Test
  void aConfigurationWinsOverTheQuantizer() {
    quantizer()
        .withInputOption("skip", "3")
        .plan(input("m.skip"), with("skip", "4"), Optional.empty());
    assertThat(reading.seen).containsExactly(new OptionValues(Map.of("skip", "4")));
  }

  @Test
  void inAComparisonAnOptionIsForWhicheverInputHasIt() {
    quantizer().withInputOption("skip", "3").compare(input("m.skip"), input("other"));
    quantizer().withInputOption("skip", "4").compare(input("other"), input("m.skip"));
    assertThat(reading.seen).extracting(v -> v.get(SKIP)).containsExactly(3, 4);
    assertThatThrownBy(
            () -> quantizer().withInputOption("skip", "3").compare(input("a"), input("b")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "option skip belongs to input format test/reading, and the input format is test/plain."
                + " Leave it out");
  }

  @Test
  void aWrongValueNamesTheOwnerAndWhatIsAllowed() {
    assertThatThrownBy(() -> plan(with("skip", "10")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "input format test/reading: option skip is \"10\"; it must be a whole")
        .hasMessageContaining("number from 0 to 9");
    assertThatThrownBy(() -> plan(with("axis", "2")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "layer quantizer test/axes: option axis is \"2\"; it must be a whole");
    assertThatThrownBy(() -> quantizer().withInputOption("skip", "many").inspect(input("m.skip")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("input format test/reading: option skip is \"many\"");
  }

  @Test
  void anUnknownOptionIsComparedWithThoseOfAllFour() {
    assertThatThrownBy(() -> plan(with("skp", "1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "scheme fake and layer quantizer test/axes and input format test/reading have no option"
                + " \"skp\"; did you mean skip? They have axis (a whole number from 0 to 1, default"
                + " 0), skip (a whole number from 0 to 9, default 1)");
    assertThatThrownBy(() -> quantizer().withInputOption("skp", "1").inspect(input("m.skip")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "input format test/reading has no option \"skp\"; did you mean skip? It has skip (a"
                + " whole number from 0 to 9, default 1)");
    assertThatThrownBy(() -> quantizer().withInputOption("skp", "1").inspect(input("other")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("input format test/plain has no option \"skp\". It has none");
  }

  @Test
  void anOptionOfAnotherPluginNamesIt() {
    assertThatThrownBy(() -> plan(with("loud", "true")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "option loud belongs to output format test/loud, and the output format is test/silent."
                + " Leave it out, or choose --format test/loud");
    assertThatThrownBy(
            () ->
                quantizer()
                    .plan(
                        input("m.skip"),
                        FAKE.overrideWith(
                            QuantizationConfig.builder()
                                .layer("fc*", LayerKind.LINEAR)
                                .option("loud", "true")
                                .build()),
                        Optional.empty()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "option loud belongs to output format test/loud, and no output format takes part here."
                + " Leave it out, or choose --format test/loud");
    assertThatThrownBy(() -> quantizer().withInputOption("loud", "true").inspect(input("m.skip")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "option loud belongs to output format test/loud, and no output format takes part here."
                + " Leave it out");
    assertThatThrownBy(() -> quantizer().withInputOption("axis", "1").inspect(input("m.skip")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "option axis belongs to layer quantizer test/axes, and no layer quantizer takes part"
                + " here. Leave it out");
  }

  @Test
  void aRuleSetsTheOptionOfALayerQuantizerForSomeLayers() {
    Plan plan =
        plan(
            with("axis", "0")
                .overrideWith(
                    QuantizationConfig.builder()
                        .rule(Rule.adjust("fc2", WeightSettings.OPEN.withExtra("axis", "1")))
                        .build()));
    assertThat(plan.problems()).isEmpty();
    assertThat(plan.weights()).extracting(w -> w.weight().matrix().rowAxis()).containsExactly(0, 1);
    assertThat(plan.weights()).allMatch(w -> w.weight().options().own().isEmpty());
  }

  @Test
  void aRuleCannotChangeHowTheModelIsRead() {
    QuantizationConfig config =
        with("skip", "2")
            .overrideWith(
                QuantizationConfig.builder()
                    .rule(Rule.adjust("fc2", WeightSettings.OPEN.withExtra("skip", "3")))
                    .build());
    assertThatThrownBy(() -> plan(config))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "option skip belongs to input format test/reading, which reads the model as a whole,"
                + " and a rule sets it for some layers. Set it for all weights, for example"
                + " --option skip=3");
  }

  @Test
  void aPluginThatCannotDescribeItsOptionsIsNamed() {
    LayerQuantizer broken =
        new FakeLayers("test/broken") {
          @Override
          public List<OptionSpec<?>> options() {
            throw new IllegalStateException("oops");
          }
        };
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(Plugins.of(reading, new FakeScheme(), broken, output("test/silent", "")));
    assertThatThrownBy(
            () -> quantizer.plan(input("m.skip"), with("skip", "1"), Optional.of(Path.of("out"))))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("layer quantizer test/broken failed to describe its options")
        .hasMessageContaining("oops");
  }
}
