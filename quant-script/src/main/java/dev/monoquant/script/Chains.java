package dev.monoquant.script;

import dev.monoquant.model.ElementType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Layers that hand on int8: their kernel rounds its sums to the codes that the next layers take, so
 * that nothing is computed in float between them.
 *
 * <p>A layer gives codes if all that happens to its output is known, and each path from it ends as
 * the input of a layer that takes codes, all with one range. On the way, numbers are selected and
 * arranged; first there may be a normalization by stored statistics, which becomes part of the
 * scales of the kernel, and {@code relu}, which the kernel computes. Both layers are of {@link
 * Mode#STATIC} and FLOAT32, run by {@link Kernels#LASTING}, have one place, which is called once,
 * and no other use. In doubt there is float between layers.
 */
final class Chains {

  private final Flow flow;
  private final Map<Modules.Place, Holder> candidates = new HashMap<>();

  private Chains(Flow flow) {
    this.flow = flow;
  }

  /**
   * Links the layers of a program.
   *
   * @param definitions its code
   * @param modules its modules
   * @param holders its quantized weights
   */
  static void link(Definitions definitions, Modules modules, List<Holder> holders) {
    List<Holder> asked = holders.stream().filter(Chains::isCandidate).toList();
    if (asked.size() < 2) {
      return;
    }
    Chains chains = new Chains(Flow.of(definitions, modules));
    if (!chains.flow.isKnown()) {
      return;
    }
    for (Holder holder : asked) {
      Modules.Place place = holder.places().get(0);
      if (chains.flow.calls(place).size() == 1 && !chains.flow.isUsedOtherwise(place)) {
        chains.candidates.put(place, holder);
      }
    }
    asked.forEach(chains::link);
  }

  private static boolean isCandidate(Holder holder) {
    Plan plan = holder.plan();
    return holder.chains()
        && holder.mode() == Mode.STATIC
        && holder.places().size() == 1
        && holder.codec().weight().matrix().tensor().type() == ElementType.FLOAT32
        && !plan.decoded()
        && !plan.embedding()
        && plan.product() != plan.window().isPresent()
        && plan.window().filter(w -> w.stride().size() != 2).isEmpty();
  }

  private void link(Holder holder) {
    Modules.Place place = holder.places().get(0);
    boolean product = holder.plan().product();
    if (!candidates.containsKey(place) || (product && holder.codec().hasZeroPoints())) {
      return;
    }
    Path path = new Path(!product);
    if (path.follow(flow.calls(place).get(0).output(), false, false) && path.isOneRange()) {
      Holder first = path.takers.get(0);
      holder.give(
          new GivenCodes(
              first.least(), first.greatest(), path.relu, Optional.ofNullable(path.norm)));
      path.takers.forEach(Holder::take);
    }
  }

  /** All paths from the output of a layer. */
  private final class Path {
    private final boolean normed;
    private final List<Holder> takers = new ArrayList<>();
    private boolean relu;
    private GivenCodes.@Nullable Norm norm;

    /**
     * @param normed whether the kernel can normalize
     */
    Path(boolean normed) {
      this.normed = normed;
    }

    /**
     * {@return whether all uses of a value are known}
     *
     * @param changed whether it is not what the kernel computes, but made of it
     * @param branched whether there is more than one path
     */
    boolean follow(Flow.Made value, boolean changed, boolean branched) {
      boolean branches = branched || value.uses().size() > 1;
      if (value.uses().isEmpty()) {
        return false;
      }
      for (Flow.Use use : value.uses()) {
        boolean followed =
            switch (use.kind()) {
              case LAYER -> take(use.stored().get(0));
              case NORM -> !changed && !branches && norm(use) && follow(use.made(), true, false);
              case RELU -> rectify(branches) && follow(use.made(), true, branches);
              case ARRANGED -> follow(use.made(), true, branches);
              case OTHER -> false;
            };
        if (!followed) {
          return false;
        }
      }
      return true;
    }

    private boolean take(Modules.Place place) {
      Holder holder = candidates.get(place);
      if (holder == null || holder.codec().isDivided()) {
        return false;
      }
      takers.add(holder);
      return true;
    }

    private boolean rectify(boolean branches) {
      if (branches && !relu) {
        return false;
      }
      relu = true;
      return true;
    }

    private boolean norm(Flow.Use use) {
      if (!normed || use.stored().stream().anyMatch(flow::isUsedOtherwise)) {
        return false;
      }
      norm =
          new GivenCodes.Norm(
              use.stored().stream().map(Modules.Place::tensor).toList(), use.epsilon());
      return true;
    }

    boolean isOneRange() {
      Holder first = takers.get(0);
      return takers.stream()
          .allMatch(t -> t.least() == first.least() && t.greatest() == first.greatest());
    }
  }
}
