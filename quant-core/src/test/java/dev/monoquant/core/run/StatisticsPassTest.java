package dev.monoquant.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Family;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a scheme gets to know of weights that loaders merge. */
class StatisticsPassTest {

  /** A scheme that asks for the range of the family. */
  private static final class OfFamily extends FakeScheme {
    @Override
    public SchemeId id() {
      return new SchemeId("family", 1);
    }

    @Override
    public Set<Need> needs(OptionValues options) {
      return Set.of(Need.FAMILY_RANGE);
    }
  }

  private static final ElementType TYPE = ElementType.FLOAT32;

  private static MemoryModel.Builder layer(
      MemoryModel.Builder model, String layer, float... values) {
    return model.floats(layer + ".weight", TYPE, TensorShape.of(2, values.length / 2), values);
  }

  private final MemoryModel model =
      layer(
              layer(
                  layer(layer(MemoryModel.named("m"), "q", 1, 2, -3, 1), "k", -1, 1, 5, 0),
                  "v",
                  -8,
                  0,
                  0,
                  1),
              "o",
              -9,
              9,
              0,
              0)
          .build();

  private ModelSource source(Family... families) {
    ModelSource all = model.open();
    return new ForwardingSource(all) {
      @Override
      public ModelInfo info() {
        return all.info().withFamilies(List.of(families));
      }
    };
  }

  private PlannedWeight planned(String layer, String scheme) {
    TensorInfo tensor =
        model.tensors().stream()
            .filter(t -> t.name().equals(layer + ".weight"))
            .findFirst()
            .orElseThrow();
    WeightMatrix matrix = new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0);
    FakeScheme fake = new FakeScheme();
    OptionValues options = OptionValues.defaults(fake.options());
    EncodedWeight weight =
        new EncodedWeight(
            matrix, new SchemeId(scheme, 1), options, fake.fit(matrix, options).orThrow(matrix));
    return new PlannedWeight(weight, Layer.Evidence.DECLARED, "fake", "");
  }

  private Map<String, Facts> facts(
      ModelSource source, List<PlannedWeight> open, List<PlannedWeight> all) throws IOException {
    Settings settings =
        Settings.defaults().withPlugins(Plugins.of(new FakeScheme(), new OfFamily()));
    return new StatisticsPass(settings)
        .facts(List.of(new StatisticsPass.Request(source, NonFinitePolicy.FAIL, open, all)))
        .get(0);
  }

  private static final Family QKV = new Family("(q|k|v)", List.of("q", "k", "v"), false);

  @Test
  void aFamilyHasOneRange() throws IOException {
    List<PlannedWeight> all =
        List.of(
            planned("q", "family"),
            planned("k", "family"),
            planned("v", "fake"),
            planned("o", "family"));
    Map<String, Facts> facts = facts(source(QKV), all, all);
    assertThat(facts.get("q.weight").familyRange()).isEqualTo(new Facts.Range(-3, 5));
    assertThat(facts.get("k.weight").familyRange()).isEqualTo(new Facts.Range(-3, 5));
    assertThat(facts.get("o.weight").familyRange()).isEqualTo(new Facts.Range(-9, 9));
    assertThatThrownBy(() -> facts.get("q.weight").range())
        .hasMessageContaining("TENSOR_RANGE was not requested");
    assertThatThrownBy(() -> facts.get("v.weight").familyRange())
        .hasMessageContaining("FAMILY_RANGE was not requested");
  }

  /** What an interrupted run has finished is read once more for the others. */
  @Test
  void finishedWeightsCountInTheirFamily() throws IOException {
    List<PlannedWeight> all = List.of(planned("q", "family"), planned("v", "family"));
    Map<String, Facts> facts = facts(source(QKV), all.subList(0, 1), all);
    assertThat(facts).containsOnlyKeys("q.weight");
    assertThat(facts.get("q.weight").familyRange()).isEqualTo(new Facts.Range(-8, 2));
  }

  /** All experts of a model have one scheme, but each is a weight of its own. */
  @Test
  void whatIsQuantizedTogetherOnlyHasItsOwnRanges() throws IOException {
    List<PlannedWeight> all = List.of(planned("q", "family"), planned("v", "family"));
    Family experts = new Family("*", List.of("q", "v"), true);
    Map<String, Facts> facts = facts(source(experts), all, all);
    assertThat(facts.get("q.weight").familyRange()).isEqualTo(new Facts.Range(-3, 2));
    assertThat(facts.get("v.weight").familyRange()).isEqualTo(new Facts.Range(-8, 1));
  }
}
