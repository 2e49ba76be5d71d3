package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A holder that is being put together: one weight at all its places. */
final class Holder {

  private final Codec codec;
  private final Mode mode;
  private final Kernels kernels;
  private final List<Modules.Place> places = new ArrayList<>();
  private Plan plan;
  private Optional<PickleObject> bias = Optional.empty();
  private boolean biasKnown;

  Holder(Codec codec, Mode mode, Kernels kernels) {
    this.codec = codec;
    this.mode = mode;
    this.kernels = kernels;
    this.plan = Plan.NONE;
  }

  Codec codec() {
    return codec;
  }

  /** {@return how it is executed: without a kernel there is nothing but decoding} */
  Mode mode() {
    boolean used = plan.product() || plan.embedding() || plan.window().isPresent();
    return used && limit().isEmpty() ? mode : Mode.WEIGHT_ONLY;
  }

  /** {@return why no int8 kernel may do what the places ask for; empty if one may} */
  Optional<String> limit() {
    return KernelLimits.refusal(codec, plan);
  }

  /**
   * {@return whether the numbers that run are those of the decoded tensor, perhaps rounded again;
   * false if kernels take the codes as they are}
   */
  boolean isDecoded() {
    Plan all = plan();
    return mode() == Mode.WEIGHT_ONLY
        || all.decoded()
        || (all.product() && !codec.isKernel(all.transposed()))
        || (all.window().isPresent() && !codec.isWindowKernel())
        || (all.embedding() && !codec.isTable());
  }

  /** {@return how it was asked to be executed} */
  Mode requested() {
    return mode;
  }

  Kernels kernels() {
    return kernels;
  }

  List<Modules.Place> places() {
    return places;
  }

  /** {@return what all places ask for} */
  Plan plan() {
    return plan.embedding() && !codec.isRowwise() ? plan.withDecoded() : plan;
  }

  /** {@return whether it can be at a further place} */
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
   * @param wanted what is asked for there
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

  /** {@return what products add, if that is made ready for the kernel} */
  Optional<PickleObject> boundBias() {
    return mode() == Mode.DYNAMIC && kernels == Kernels.FASTEST && plan.bias().isPresent()
        ? bias
        : Optional.empty();
  }

  /** {@return the numbers that tell the holder what to get ready for} */
  List<Integer> numbers() {
    Plan all = plan();
    return List.of(
        mode().code(),
        flag(all.product()),
        flag(all.transposed()),
        flag(all.embedding()),
        flag(all.decoded()),
        flag(boundBias().isPresent()));
  }

  private static int flag(boolean value) {
    return value ? 1 : 0;
  }
}
