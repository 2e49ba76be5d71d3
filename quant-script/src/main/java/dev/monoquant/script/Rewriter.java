package dev.monoquant.script;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.script.SourceFile.ClassDef;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ObservableModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Replaces the weights of a TorchScript program by holders. Immutable; thread-safe.
 *
 * <p>A weight is identified by its name in the state dict, such as {@code encoder.0.weight}; in a
 * frozen archive by the name of its constant, such as {@code CONSTANTS.c3}. A holder replaces its
 * attribute; the state of the holder contains the stored parts of the weight. Recognized products,
 * look-ups and convolutions become calls of the holder; any other use gets the decoded tensor. A
 * function that takes the weight as an argument is copied, and the copy takes the holder. If
 * modules of one class are rewritten differently, the class is copied too.
 *
 * <p>What this does not do: it reads and writes no numbers and no files, and it does not run
 * anything.
 */
public final class Rewriter {

  private final ScriptProgram program;
  private final Definitions definitions;
  private final Modules modules;
  private final Analysis analysis;

  /**
   * Creates a rewriter.
   *
   * @param program the program; not changed
   * @param definitions its source, all of which was parsed
   * @param modules its modules
   */
  Rewriter(ScriptProgram program, Definitions definitions, Modules modules) {
    this.program = program;
    this.definitions = definitions;
    this.modules = modules;
    this.analysis = Analysis.of(definitions, modules, program.constants());
  }

  /**
   * Decides whether a weight is left unquantized, from shapes, kinds and code alone.
   *
   * @param weight the weight with its options
   * @return why the weight cannot be quantized or would not gain, a sentence without a full stop;
   *     empty if it is quantized
   */
  public Optional<String> refusal(EncodedWeight weight) {
    TensorShape shape = weight.matrix().tensor().shape();
    if (shape.elements() < HolderOptions.leastHeld(weight)) {
      return Optional.of(
          "it has "
              + shape.elements()
              + " numbers, and what holds fewer than "
              + HolderOptions.leastHeld(weight)
              + " takes as much as they save (option small)");
    }
    if (shape.rank() < 2 || shape.elements() == 0) {
      return Optional.of("its shape is " + shape + "; at least 2 dimensions are held, none of 0");
    }
    if (!weight.matrix().tensor().type().isQuantizable()) {
      return Optional.of("it is of " + weight.matrix().tensor().type().wire());
    }
    if (shape.elements() > Integer.MAX_VALUE) {
      return Optional.of(
          "it has " + shape.elements() + " numbers, more than " + Integer.MAX_VALUE + " in one");
    }
    if (Codec.of(weight).isEmpty()) {
      return Optional.of(
          "scheme " + weight.scheme() + " does not say how TorchScript decodes its parts");
    }
    return placeRefusal(weight).or(() -> divisionRefusal(weight));
  }

  /** A product divides its inputs by the factors of the columns of its weight. */
  private Optional<String> divisionRefusal(EncodedWeight weight) {
    if (weight.encoding().columnFactors().isEmpty()) {
      return Optional.empty();
    }
    Plan plan = plan(weight.name());
    if (!plan.product() || plan.window().isPresent() || plan.embedding()) {
      return Optional.of("not all of its uses are products");
    }
    return weight.matrix().rowAxis() == (plan.transposed() ? 1 : 0)
        ? Optional.empty()
        : Optional.of("the inputs of its products are not its columns");
  }

  private Optional<String> placeRefusal(EncodedWeight weight) {
    return placeRefusal(weight.name(), weight.matrix().tensor().shape());
  }

  private Optional<String> placeRefusal(String name, TensorShape shape) {
    if (name.startsWith(Slot.CONSTANT_PREFIX)) {
      String constant = name.substring(Slot.CONSTANT_PREFIX.length());
      return Slot.constant(program.constants(), constant).isPresent()
          ? refusal(shape, Slot.CONSTANTS, constant)
          : Optional.of("the program has no such constant");
    }
    Optional<Modules.Place> place = modules.find(name);
    if (place.isEmpty()) {
      return Optional.of("the program has no tensor of that name");
    }
    return refusal(place.get())
        .or(() -> refusal(shape, place.get().module().type().qualified(), place.get().attribute()))
        .or(() -> analysis.refusal(place.get().module(), place.get().attribute()));
  }

  private Optional<String> refusal(Modules.Place place) {
    ClassDef type = place.module().type();
    if (!place.module().isOpen()) {
      return Optional.of("its class " + quote(type.qualified()) + " restores its state by itself");
    }
    return type.isTensor(place.attribute())
        ? Optional.empty()
        : Optional.of("its class does not declare it to be a Tensor");
  }

  private Optional<String> refusal(TensorShape shape, String type, String attribute) {
    int rank = shape.rank();
    Plan plan = analysis.plan(type, attribute);
    boolean point = Arrays.stream(shape.dims()).skip(2).allMatch(dim -> dim == 1);
    if (rank != 2 && (plan.embedding() || (plan.product() && !point))) {
      return Optional.of("it has " + rank + " dimensions where the code multiplies by a matrix");
    }
    if (plan.window().isPresent() && plan.window().get().stride().size() + 2 != rank) {
      return Optional.of("it has " + rank + " dimensions, which do not fit its convolution");
    }
    return analysis.refusal(type, attribute);
  }

  /**
   * Finds the inputs of a weight, from shapes and code alone.
   *
   * @param tensor the weight
   * @return what is observed of it; empty if {@link #unobserved} says why nothing is
   */
  public Optional<ObservableModel.Input> observed(TensorInfo tensor) {
    if (unobserved(tensor).isPresent()) {
      return Optional.empty();
    }
    TensorShape shape = tensor.shape();
    Plan plan = plan(tensor.name());
    long columns = 0;
    if (plan.product()) {
      columns = shape.dim(plan.transposed() ? 0 : 1);
    }
    Optional<ObservableModel.Kernel> kernel = Optional.empty();
    if (plan.window().isPresent()) {
      columns = shape.elements() / shape.dim(0);
      List<Integer> sizes = new ArrayList<>();
      if (shape.rank() == 3) {
        sizes.add(1);
      }
      for (int axis = 2; axis < shape.rank(); axis++) {
        sizes.add(Math.toIntExact(shape.dim(axis)));
      }
      kernel = Optional.of(new ObservableModel.Kernel(sizes, plan.window().get().groups()));
    }
    long rows = plan.embedding() ? shape.dim(0) : 0;
    return Optional.of(new ObservableModel.Input(tensor.name(), columns, rows, kernel));
  }

  /**
   * Tells why the inputs of a weight cannot be observed.
   *
   * @param tensor the weight
   * @return a phrase without a full stop; empty if they can be
   */
  public Optional<String> unobserved(TensorInfo tensor) {
    TensorShape shape = tensor.shape();
    if (shape.rank() < 2 || shape.elements() == 0 || shape.elements() > Integer.MAX_VALUE) {
      return Optional.of("its shape is " + shape);
    }
    return placeRefusal(tensor.name(), shape)
        .or(
            () -> {
              Plan plan = plan(tensor.name());
              return plan.product() || plan.embedding() || plan.window().isPresent()
                  ? Optional.empty()
                  : Optional.of("no product, convolution or look-up of the code uses it");
            });
  }

  /**
   * Tells the kind of a layer from what the code does with its weight.
   *
   * @param tensor the weight
   * @return the kind; empty unless the code multiplies by the weight, convolves with it or looks up
   *     its rows, and it can be replaced
   */
  Optional<LayerKind> kind(TensorInfo tensor) {
    if (!tensor.type().isQuantizable() || unobserved(tensor).isPresent()) {
      return Optional.empty();
    }
    Plan plan = plan(tensor.name());
    int rank = tensor.shape().rank();
    if (rank > 2) {
      return Optional.of(rank == 3 ? LayerKind.CONV1D : LayerKind.CONV2D);
    }
    if (plan.product()) {
      return Optional.of(plan.transposed() ? LayerKind.CONV1D_TRANSPOSED : LayerKind.LINEAR);
    }
    return Optional.of(LayerKind.EMBEDDING);
  }

  private Plan plan(String name) {
    if (name.startsWith(Slot.CONSTANT_PREFIX)) {
      return analysis.plan(Slot.CONSTANTS, name.substring(Slot.CONSTANT_PREFIX.length()));
    }
    Modules.Place place = modules.find(name).orElseThrow();
    return analysis.plan(place.module().type().qualified(), place.attribute());
  }

  /**
   * Makes weights observe their inputs.
   *
   * @param requests what to observe, of inputs that {@link #observed} found
   * @return the new program
   */
  public Observers observe(List<ObservableModel.Request> requests) {
    return new Observation(program, definitions, modules, analysis).run(requests);
  }

  /**
   * Replaces weights.
   *
   * @param weights the weights to replace; {@link #refusal} must be empty for each
   * @param kept names of tensors that are left unquantized, even if they are the same tensor as a
   *     weight
   * @return the new program
   * @throws IllegalArgumentException if a weight is refused
   */
  public Rewritten rewrite(List<EncodedWeight> weights, Collection<String> kept) {
    for (EncodedWeight weight : weights) {
      refusal(weight)
          .ifPresent(
              reason -> {
                throw new IllegalArgumentException(weight.name() + ": " + reason);
              });
    }
    return new Rewrite(program, definitions, modules, analysis).run(weights, kept);
  }
}
