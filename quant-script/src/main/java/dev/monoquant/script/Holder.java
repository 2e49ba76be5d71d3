package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Builds a holder: one weight at all places where it is used. */
final class Holder {

  private static final int MANTISSA_BITS = 23;

  private final Codec codec;
  private final Mode mode;
  private final Kernels kernels;
  private final Optional<String> order;
  private final List<Modules.Place> places = new ArrayList<>();
  private Plan plan;
  private Optional<PickleObject> bias = Optional.empty();
  private boolean biasKnown;
  private boolean takes;
  private Optional<GivenCodes> given = Optional.empty();

  /**
   * Creates a holder without places.
   *
   * @param order why no int8 kernel can run convolutions of the program; empty if one can
   */
  Holder(Codec codec, Mode mode, Kernels kernels, Optional<String> order) {
    this.order = order;
    this.codec = codec;
    this.mode = mode;
    this.kernels = kernels;
    this.plan = Plan.NONE;
  }

  Codec codec() {
    return codec;
  }

  /** {@return how it is executed; {@link Mode#WEIGHT_ONLY} if no kernel can run it} */
  Mode mode() {
    boolean used = plan.product() || plan.embedding() || plan.window().isPresent();
    return used && limit().isEmpty() ? mode : Mode.WEIGHT_ONLY;
  }

  /** {@return why no int8 kernel can run the weight at all its places; empty if one can} */
  Optional<String> limit() {
    return KernelLimits.refusal(codec, plan)
        .or(() -> plan.window().isPresent() ? order : Optional.empty());
  }

  /**
   * {@return whether execution uses the decoded tensor, which may be rounded again; false if
   * kernels take the stored codes}
   */
  boolean isDecoded() {
    Plan all = plan();
    return mode() == Mode.WEIGHT_ONLY
        || all.decoded()
        || (all.product() && !codec.isKernel(all.transposed()))
        || (all.window().isPresent() && !codec.isWindowKernel())
        || (all.embedding() && !codec.isTable());
  }

  /** {@return whether it can take an input that is prepared for several weights} */
  boolean shares() {
    return codec.weight().storage().get(HolderOptions.SHARE);
  }

  /** {@return whether it can take codes from another layer or give them} */
  boolean chains() {
    return codec.weight().storage().get(HolderOptions.CHAIN)
        && mode == Mode.STATIC
        && kernels == Kernels.LASTING;
  }

  /** {@return the least number of its inputs} */
  double least() {
    return (float) (double) codec.weight().storage().get(HolderOptions.LEAST);
  }

  /** {@return the greatest number of its inputs} */
  double greatest() {
    return (float) (double) codec.weight().storage().get(HolderOptions.GREATEST);
  }

  /** Lets its inputs be the codes of another layer. */
  void take() {
    takes = true;
  }

  /** {@return whether its inputs are codes} */
  boolean takes() {
    return takes;
  }

  /** Lets its outputs be codes. */
  void give(GivenCodes codes) {
    given = Optional.of(codes);
  }

  /** {@return the codes that its outputs are} */
  Optional<GivenCodes> given() {
    return given;
  }

  /** {@return the requested mode} */
  Mode requested() {
    return mode;
  }

  Kernels kernels() {
    return kernels;
  }

  List<Modules.Place> places() {
    return places;
  }

  /** {@return the combined plan of all places} */
  Plan plan() {
    return plan.embedding() && !codec.isRowwise() ? plan.withDecoded() : plan;
  }

  /** {@return whether it can be used at another place} */
  boolean agrees(Mode other, Kernels otherKernels, Plan wanted) {
    return mode == other && kernels == otherKernels && plan.agrees(wanted);
  }

  void addConstant(Plan wanted) {
    plan = wanted.withoutBias();
  }

  /**
   * Adds a place.
   *
   * @param place the place
   * @param wanted the plan for that place
   */
  void add(Modules.Place place, Plan wanted) {
    places.add(place);
    if (wanted.product()) {
      Optional<PickleObject> beside = wanted.bias().map(b -> place.module().tensors().get(b));
      bias = biasKnown && !isSame(bias, beside) ? Optional.empty() : beside;
      biasKnown = true;
      if (bias.isEmpty()) {
        plan = plan.and(wanted).withoutBias();
        return;
      }
    }
    plan = plan.and(wanted);
  }

  private static boolean isSame(Optional<PickleObject> one, Optional<PickleObject> other) {
    return one.flatMap(o -> other.map(p -> TensorView.isSame(o, p))).orElse(false);
  }

  /** {@return the bias of products, if it is prepared for the kernel} */
  Optional<PickleObject> boundBias() {
    boolean single = mode() == Mode.DYNAMIC || mode() == Mode.STATIC;
    return single && kernels == Kernels.FASTEST && plan.bias().isPresent()
        ? bias
        : Optional.empty();
  }

  /** {@return the numbers in the state of the holder that describe what it prepares} */
  List<Integer> numbers() {
    Plan all = plan();
    List<Integer> numbers =
        new ArrayList<>(
            List.of(
                mode().code(),
                flag(all.product()),
                flag(all.transposed()),
                flag(all.embedding()),
                flag(all.decoded()),
                flag(boundBias().isPresent())));
    if (mode() == Mode.STATIC) {
      addParts(least(), numbers);
      addParts(greatest(), numbers);
    }
    if (takes || given.isPresent()) {
      numbers.add(flag(takes));
      numbers.add(given.map(g -> g.relu() ? 2 : 1).orElse(0));
      addParts(given.map(GivenCodes::least).orElse(0.0), numbers);
      addParts(given.map(GivenCodes::greatest).orElse(0.0), numbers);
      addParts(given.flatMap(GivenCodes::norm).map(GivenCodes.Norm::epsilon).orElse(0.0), numbers);
    }
    return numbers;
  }

  /** A FLOAT32 number as a whole number and the power of two that it is multiplied by. */
  private static void addParts(double number, List<Integer> numbers) {
    float single = (float) number;
    int exponent = single == 0 ? 0 : Math.getExponent(single) - MANTISSA_BITS;
    numbers.add((int) Math.scalb((double) single, -exponent));
    numbers.add(exponent);
  }

  private static int flag(boolean value) {
    return value ? 1 : 0;
  }
}
