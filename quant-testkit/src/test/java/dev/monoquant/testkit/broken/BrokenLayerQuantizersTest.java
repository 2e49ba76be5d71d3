package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.testkit.data.LayerSamples;
import dev.monoquant.testkit.data.OptionSamples;
import dev.monoquant.testkit.fakes.ForwardingLayerQuantizer;
import dev.monoquant.testkit.laws.LayerQuantizerLaws;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Layer quantizers with one fault each, and the one law that must see it. */
class BrokenLayerQuantizersTest {

  private static final String WEIGHT = "weight";

  @Test
  void soundOneBreaksNone() {
    assertThat(caught(sound())).isEmpty();
  }

  /** Has a name that no recipe can spell. Caught by {@code idIsValid}. */
  @Test
  void hasAnIdWithSpaces() {
    assertThat(caught(new Sample("my layers", layer -> List.of()))).containsExactly("idIsValid");
  }

  /** Takes everything that has numbers. Caught by {@code leavesBiasesAndNorms}. */
  @Test
  void picksBiases() {
    assertThat(caught(choosing(BrokenLayerQuantizersTest::hasFloats)))
        .containsExactly("leavesBiasesAndNorms");
  }

  /** Looks at no element type and no size. Caught by {@code selectsFloatTensors}. */
  @Test
  void picksIntegersAndNothing() {
    assertThat(
            caught(
                choosing(
                    (layer, param) ->
                        param.equals(WEIGHT) && tensor(layer, param).shape().rank() > 1)))
        .containsExactly("selectsFloatTensors");
  }

  /** Goes by the name of the tensor alone. Caught by {@code ignoresUnknownKinds}. */
  @Test
  void guessesForeignKinds() {
    assertThat(
            caught(
                layer ->
                    isMatrix(layer, WEIGHT)
                        ? List.of(row(layer, layer.name(), WEIGHT))
                        : List.of()))
        .containsExactly("ignoresUnknownKinds");
  }

  /** Relies on every linear layer having a weight. Caught by {@code neverThrows}. */
  @Test
  void expectsWeights() {
    assertThat(
            caught(
                layer ->
                    layer.kind().equals(LayerKind.LINEAR)
                            && hasFloats(layer, WEIGHT)
                            && tensor(layer, WEIGHT).shape().rank() > 1
                        ? List.of(row(layer, layer.name(), WEIGHT))
                        : List.of()))
        .containsExactly("neverThrows");
  }

  /** Chooses at every other call. Caught by {@code decidesFromShapesAlone}. */
  @Test
  void changesItsMind() {
    AtomicBoolean turn = new AtomicBoolean();
    assertThat(
            caught(
                choosing(
                    (layer, param) ->
                        param.equals(WEIGHT)
                            && isMatrix(layer, param)
                            && turn.getAndSet(!turn.get()))))
        .containsExactly("decidesFromShapesAlone");
  }

  /** Gives another name to the layer. Caught by {@code rowsComeFromTheLayer}. */
  @Test
  void renamesLayers() {
    assertThat(
            caught(
                layer ->
                    layer.kind().equals(LayerKind.LINEAR) && isMatrix(layer, WEIGHT)
                        ? List.of(row(layer, layer.name() + ".inner", WEIGHT))
                        : List.of()))
        .containsExactly("rowsComeFromTheLayer");
  }

  /** Describes one option twice. Caught by {@code optionsAreDescribed}. */
  @Test
  void hasTwoOptionsOfOneName() {
    LayerQuantizer broken =
        new ForwardingLayerQuantizer(sound()) {
          @Override
          public List<OptionSpec<?>> options() {
            return List.of(AXIS, OptionSpec.flag(AXIS.name(), true, "Whether it is the first"));
          }
        };
    assertThat(caught(broken)).containsExactly("optionsAreDescribed");
  }

  /**
   * Has one default in its description and another in its code. Caught by {@code
   * noOptionsSelectAsDefaults}.
   */
  @Test
  void hasADefaultOfItsOwn() {
    LayerQuantizer broken =
        new ForwardingLayerQuantizer(sound()) {
          @Override
          public List<OptionSpec<?>> options() {
            return List.of(AXIS);
          }

          @Override
          public List<WeightMatrix> weights(Layer layer, OptionValues options) {
            return along(
                weights(layer), Integer.parseInt(options.texts().getOrDefault("axis", "1")));
          }
        };
    assertThat(caught(broken)).containsExactly("noOptionsSelectAsDefaults");
  }

  /** Allows an axis that no matrix has. Caught by {@code neverThrows}. */
  @Test
  void allowsWhatItCannotTake() {
    OptionSpec<Integer> axis = OptionSpec.integer("axis", 0, 0, 9, "Which axis is the outputs");
    LayerQuantizer broken =
        new ForwardingLayerQuantizer(sound()) {
          @Override
          public List<OptionSpec<?>> options() {
            return List.of(axis);
          }

          @Override
          public List<WeightMatrix> weights(Layer layer, OptionValues options) {
            return along(weights(layer), options.get(axis));
          }
        };
    assertThat(caught(broken)).containsExactly("neverThrows");
  }

  private static final OptionSpec<Integer> AXIS =
      OptionSpec.integer("axis", 0, 0, 1, "Which axis is the outputs");

  private static LayerQuantizer sound() {
    return choosing((layer, param) -> param.equals(WEIGHT) && isMatrix(layer, param));
  }

  private static List<WeightMatrix> along(List<WeightMatrix> all, int axis) {
    return all.stream()
        .map(r -> new WeightMatrix(r.layer(), r.kind(), r.param(), r.tensor(), axis))
        .toList();
  }

  /** Chooses some tensors of linear layers. */
  private static LayerQuantizer choosing(BiPredicate<Layer, String> choice) {
    return new Sample(
        "acme/broken",
        layer ->
            layer.kind().equals(LayerKind.LINEAR)
                ? layer.tensors().keySet().stream()
                    .filter(param -> choice.test(layer, param))
                    .map(param -> row(layer, layer.name(), param))
                    .toList()
                : List.of());
  }

  private interface Choice {
    List<WeightMatrix> of(Layer layer);
  }

  private record Sample(String id, Choice choice) implements LayerQuantizer {
    @Override
    public List<WeightMatrix> weights(Layer layer) {
      return choice.of(layer);
    }
  }

  private static Set<String> caught(Choice choice) {
    return caught(new Sample("acme/broken", choice));
  }

  private static Set<String> caught(LayerQuantizer quantizer) {
    List<LayerQuantizerLaws.Case> cases = new ArrayList<>();
    for (OptionValues options : OptionSamples.each(quantizer.options())) {
      Stream.concat(LayerSamples.ordinary().stream(), LayerSamples.odd().stream())
          .forEach(layer -> cases.add(new LayerQuantizerLaws.Case(quantizer, layer, options)));
    }
    return Caught.by(LayerQuantizerLaws.all(), cases);
  }

  private static WeightMatrix row(Layer layer, String name, String param) {
    return new WeightMatrix(name, layer.kind(), param, tensor(layer, param), 0);
  }

  private static TensorInfo tensor(Layer layer, String param) {
    return layer.tensor(param).orElseThrow();
  }

  private static boolean hasFloats(Layer layer, String param) {
    TensorInfo tensor = tensor(layer, param);
    return tensor.type().isQuantizable()
        && tensor.shape().elements() > 0
        && tensor.shape().rank() > 0;
  }

  private static boolean isMatrix(Layer layer, String param) {
    return layer.tensor(param).isPresent()
        && hasFloats(layer, param)
        && tensor(layer, param).shape().rank() > 1;
  }
}
