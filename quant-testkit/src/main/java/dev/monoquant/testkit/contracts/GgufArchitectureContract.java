package dev.monoquant.testkit.contracts;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Numbers;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.laws.LawViolation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Example;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the output format {@code gguf} on a {@link GgufArchitecture}.
 *
 * <pre>{@code
 * class OwnArchitectureTest implements GgufArchitectureContract {
 *   public GgufArchitecture subject() {
 *     return new OwnArchitecture();
 *   }
 *
 *   public ModelInfo model() {
 *     return ModelInfo.of("own", List.of(new TensorInfo("embed.weight",
 *         ElementType.BFLOAT16, TensorShape.of(16, 8)), ...));
 *   }
 *
 *   public Hyperparameters config() {
 *     return new Hyperparameters("config.json", Map.of("hidden_size", 8L, ...));
 *   }
 * }
 * }</pre>
 */
@AddLifecycleHook(Judging.class)
public interface GgufArchitectureContract {

  /** {@return the architecture to try} */
  GgufArchitecture subject();

  /** {@return a model that each of its classes can be, with every kind of tensor} */
  ModelInfo model();

  /** {@return the values of the config.json of {@link #model}} */
  Hyperparameters config();

  /** {@return whether it is registered as a service} */
  default boolean registered() {
    return true;
  }

  /** {@code ServiceLoader} finds its class. */
  @Example
  default void isRegistered() {
    Judging.judgeRegistered(registered(), subject().id(), subject());
  }

  /** Its id is valid, and the same at each call. */
  @Example
  default void hasAnId() {
    if (!SchemeId.isValidName(subject().id()) || !subject().id().equals(subject().id())) {
      throw violation(
          "hasAnId",
          subject().id() + " is no id of lower case letters, digits and dashes, or changes");
    }
  }

  /** It names classes, the same at each call. */
  @Example
  default void namesItsModels() {
    Set<String> models = subject().models();
    if (models.isEmpty() || !models.equals(subject().models())) {
      throw violation("namesItsModels", "models() is empty or differs from call to call");
    }
  }

  /** Two calls give the same mapping. */
  @Example
  default void mapsTheSameTwice() {
    for (String model : subject().models()) {
      GgufMapping first = subject().map(model, model(), config());
      if (!first.equals(subject().map(model, model(), config()))) {
        throw violation("mapsTheSameTwice", model + " has two mappings");
      }
    }
  }

  /** Names are unique, shapes have the numbers of their content, and rows exist, of one type. */
  @Example
  default void storesWhatThereIs() {
    for (String model : subject().models()) {
      Set<String> names = new HashSet<>();
      for (Stored stored : subject().map(model, model(), config()).tensors()) {
        if (!names.add(stored.name())) {
          throw violation("storesWhatThereIs", "two tensors have the name " + stored.name());
        }
        if (numbers(stored) != stored.shape().elements()) {
          throw violation(
              "storesWhatThereIs",
              stored.name()
                  + " has the shape "
                  + stored.shape()
                  + " and "
                  + numbers(stored)
                  + " numbers");
        }
      }
    }
  }

  private long numbers(Stored stored) {
    if (stored.content() instanceof Numbers numbers) {
      return numbers.values().size();
    }
    long width = width(stored.shape());
    long numbers = 0;
    List<Run> runs = ((Rows) stored.content()).runs();
    for (Run run : runs) {
      TensorShape shape = run.tensor().shape();
      if (run.tensor().type() != runs.get(0).tensor().type()) {
        throw violation(
            "storesWhatThereIs",
            stored.name()
                + " has rows of the types "
                + runs.get(0).tensor().type()
                + " and "
                + run.tensor().type());
      }
      boolean there =
          model().tensors().contains(run.tensor())
              && width(shape) == width
              && run.first() <= shape.elements() / Math.max(1, width) - run.count();
      if (!there) {
        throw violation(
            "storesWhatThereIs", stored.name() + " has rows that are not there: " + run);
      }
      numbers += run.count() * width;
    }
    return numbers;
  }

  private static long width(TensorShape shape) {
    return shape.rank() < 2 ? 1 : shape.dim(-1);
  }

  /** Every number of the model is stored, or its tensor is left out with a reason. */
  @Example
  default void losesNothing() {
    for (String model : subject().models()) {
      GgufMapping mapping = subject().map(model, model(), config());
      Map<String, Long> rows = mapping.storedRows();
      for (TensorInfo tensor : model().tensors()) {
        long numbers = rows.getOrDefault(tensor.name(), 0L) * width(tensor.shape());
        boolean whole = numbers >= tensor.shape().elements();
        String reason = mapping.leftOut().getOrDefault(tensor.name(), "");
        if (!whole && reason.isBlank()) {
          throw violation(
              "losesNothing",
              tensor.name()
                  + " is not stored whole, "
                  + numbers
                  + " of its "
                  + tensor.shape().elements()
                  + " numbers, and has no reason");
        }
      }
    }
  }

  /** A tensor that it does not know is neither stored nor left out: the caller refuses it. */
  @Example
  default void leavesUnknownTensorsToTheCaller() {
    String name = "a.tensor.that.nobody.knows";
    List<TensorInfo> tensors = new ArrayList<>(model().tensors());
    tensors.add(new TensorInfo(name, tensors.get(0).type(), TensorShape.of(2, 2)));
    for (String model : subject().models()) {
      GgufMapping mapping = subject().map(model, model().withTensors(tensors), config());
      if (mapping.leftOut().containsKey(name) || mapping.storedRows().containsKey(name)) {
        throw violation("leavesUnknownTensorsToTheCaller", name + " is stored or left out");
      }
    }
  }

  /** Every key is one of the architecture or of the tokenizer. */
  @Example
  default void keysAreItsOwn() {
    for (String model : subject().models()) {
      GgufMapping mapping = subject().map(model, model(), config());
      for (String key : mapping.metadata().keySet()) {
        if (!key.startsWith(mapping.architecture() + ".") && !key.startsWith("tokenizer.ggml.")) {
          throw violation("keysAreItsOwn", "the key " + key + " is none of the architecture");
        }
      }
    }
  }

  private LawViolation violation(String law, String detail) {
    return new LawViolation(law, subject().getClass().getName(), detail);
  }
}
