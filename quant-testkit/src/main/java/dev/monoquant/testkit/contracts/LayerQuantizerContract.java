package dev.monoquant.testkit.contracts;

import dev.monoquant.model.Layer;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.testkit.data.LayerSamples;
import dev.monoquant.testkit.data.OptionSamples;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.LayerQuantizerLaws;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the framework on a {@link LayerQuantizer}.
 *
 * <pre>{@code
 * class GatedTest implements LayerQuantizerContract {
 *   public LayerQuantizer subject() {
 *     return new Gated();
 *   }
 *
 *   public List<Layer> layers() {
 *     return List.of(LayerSamples.layer("gate", new LayerKind("GatedLinear"),
 *         ElementType.FLOAT32, Map.of("weight", TensorShape.of(8, 4))));
 *   }
 * }
 * }</pre>
 */
@AddLifecycleHook(Judging.class)
public interface LayerQuantizerContract {

  /** {@return the layer quantizer to try} */
  LayerQuantizer subject();

  /** {@return layers that it supports, at least one; it must select a weight of each} */
  List<Layer> layers();

  /** {@return whether it is registered and found by its id} */
  default boolean registered() {
    return true;
  }

  /** The plugin is found by its id, and has the same class. */
  @Example
  default void isRegistered() {
    Judging.judgeRegistered(registered(), subject().id(), subject());
  }

  /** It selects a weight of every supported layer. */
  @Example
  default void knowsItsLayers() {
    List<Layer> layers = layers();
    for (Layer layer : layers) {
      if (subject().weights(layer).isEmpty()) {
        throw new LawViolation("knowsItsLayers", subject().id() + " on " + layer, "no rows");
      }
    }
    if (layers.isEmpty()) {
      throw new LawViolation("knowsItsLayers", subject().id(), "layers() names no layer to try");
    }
  }

  /**
   * All of {@link LayerQuantizerLaws}, on its own layers, ordinary ones and unusual ones, with
   * several values of each option.
   */
  @Example
  default void keepsTheLaws() {
    List<Layer> layers = new ArrayList<>(layers());
    layers.addAll(LayerSamples.ordinary());
    layers.addAll(LayerSamples.odd());
    for (var law : LayerQuantizerLaws.all()) {
      for (OptionValues options : OptionSamples.each(subject().options())) {
        for (Layer layer : layers) {
          law.check(new LayerQuantizerLaws.Case(subject(), layer, options));
        }
      }
    }
  }
}
