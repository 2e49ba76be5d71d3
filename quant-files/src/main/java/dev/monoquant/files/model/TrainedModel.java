package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a training checkpoint as those of the model for inference: without wrapper steps
 * in the names, see {@link WrapperNames}, and with computed weights in place of the tensors of
 * their parametrizations, see {@link FoldedWeight}. Closing it closes the inner source.
 */
public final class TrainedModel extends SourceView {

  /** The minimum ratio of the two norms that decides the axis of a square convolution. */
  private static final double CLEAR = 2;

  private final ModelInfo info;
  private final Map<String, TensorInfo> origins = new HashMap<>();
  private final Map<String, FoldedWeight> folded = new HashMap<>();

  private TrainedModel(
      ModelSource inner, Map<String, String> names, boolean fold, List<String> notes)
      throws IOException {
    super(inner);
    List<TensorInfo> tensors = new ArrayList<>();
    for (TensorInfo tensor : inner.info().tensors()) {
      String name = names.get(tensor.name());
      if (name != null) {
        tensors.add(new TensorInfo(name, tensor.type(), tensor.shape(), tensor.shard()));
        origins.put(name, tensor);
      }
    }
    List<TensorInfo> shown = fold ? fold(tensors, notes) : tensors;
    Set<String> left = new HashSet<>();
    shown.forEach(t -> left.add(t.name()));
    Map<String, String> ties = new LinkedHashMap<>();
    inner
        .info()
        .ties()
        .forEach(
            (name, first) -> {
              String own = names.get(name);
              String other = names.get(first);
              if (left.contains(own) && left.contains(other)) {
                ties.put(own, other);
              }
            });
    List<String> all = new ArrayList<>(inner.info().notes());
    all.addAll(notes);
    this.info =
        inner
            .info()
            .withTensors(shown)
            .withLayers(layers(names, shown))
            .withTies(ties)
            .withNotes(all);
  }

  /** The declared layers with the names and tensors that are shown. */
  private List<Layer> layers(Map<String, String> names, List<TensorInfo> shown) {
    Map<String, Map<String, TensorInfo>> modules = ModuleNames.byModule(shown);
    List<Layer> layers = new ArrayList<>();
    for (Layer layer : inside().info().layers()) {
      layer.tensors().values().stream()
          .flatMap(t -> Optional.ofNullable(names.get(t.name())).stream())
          .map(ModuleNames::module)
          .filter(modules::containsKey)
          .findFirst()
          .ifPresent(
              module ->
                  layers.add(
                      new Layer(
                          module,
                          layer.kind(),
                          layer.evidence(),
                          requireNonNull(modules.get(module)))));
    }
    return layers;
  }

  /**
   * Wraps a source if its names or weights need a change.
   *
   * @param inner a source of plain tensors; one with quantized weights is returned as it is
   * @param strip whether to remove wrapper steps from the names
   * @param fold whether to compute the weights of parametrizations
   * @return the source or its wrapper; the caller closes it
   * @throws IOException if reading fails
   */
  public static ModelSource of(ModelSource inner, boolean strip, boolean fold) throws IOException {
    if (!inner.info().quantized().isEmpty()) {
      return inner;
    }
    List<String> notes = new ArrayList<>();
    List<String> old = inner.info().tensors().stream().map(TensorInfo::name).toList();
    Map<String, String> names = new LinkedHashMap<>();
    if (strip) {
      names.putAll(WrapperNames.strip(old, notes));
    } else {
      old.forEach(n -> names.put(n, n));
    }
    TrainedModel model = new TrainedModel(inner, names, fold, notes);
    return notes.isEmpty() ? inner : model;
  }

  private List<TensorInfo> fold(List<TensorInfo> tensors, List<String> notes) throws IOException {
    Parametrization.Found found = Parametrization.find(tensors);
    Map<String, TensorInfo> weights = new HashMap<>();
    Set<String> gone = new HashSet<>();
    List<TensorInfo> unknown = new ArrayList<>(found.unknown());
    Map<Parametrization.Kind, List<String>> kinds = new LinkedHashMap<>();
    for (Parametrization named : found.known()) {
      Parametrization made = stored(named);
      Optional<Parametrization> sure = made.isAmbiguous() ? clearer(made) : Optional.of(made);
      if (sure.isEmpty()) {
        unknown.add(named.base());
        continue;
      }
      folded.put(named.weight().name(), new FoldedWeight(inside(), sure.get()));
      weights.put(named.base().name(), named.weight());
      named.parts().forEach(p -> gone.add(p.name()));
      kinds.computeIfAbsent(named.kind(), k -> new ArrayList<>()).add(named.weight().name());
    }
    kinds.forEach((kind, names) -> notes.add(note(kind, names)));
    if (!unknown.isEmpty()) {
      notes.add(
          "What makes a weight of "
              + some(unknown.stream().map(TensorInfo::name).toList())
              + " is not known from the tensors, so they stay in float; call"
              + " torch.nn.utils.parametrize.remove_parametrizations before saving.");
    }
    return tensors.stream()
        .filter(t -> !gone.contains(t.name()) || weights.containsKey(t.name()))
        .map(t -> weights.getOrDefault(t.name(), t))
        .toList();
  }

  /** The same parametrization with the stored names of its tensors. */
  private Parametrization stored(Parametrization named) {
    return new Parametrization(
        named.kind(),
        named.weight(),
        inside(named.base()),
        named.others().stream().map(this::inside).toList(),
        named.axis());
  }

  private TensorInfo inside(TensorInfo tensor) {
    TensorInfo origin = origins.get(tensor.name());
    if (origin == null) {
      throw new IllegalArgumentException(
          inside().info().name() + " holds no tensor " + quote(tensor.name()));
    }
    return origin;
  }

  /** The parametrization with the axis that gives the greater norm, if the difference is clear. */
  private Optional<Parametrization> clearer(Parametrization made) throws IOException {
    double first = Math.abs(new FoldedWeight(inside(), made.withAxis(0)).sigma());
    double second = Math.abs(new FoldedWeight(inside(), made.withAxis(1)).sigma());
    if (first >= CLEAR * second) {
      return Optional.of(made.withAxis(0));
    }
    return second >= CLEAR * first ? Optional.of(made.withAxis(1)) : Optional.empty();
  }

  private static String note(Parametrization.Kind kind, List<String> names) {
    return "Folded "
        + kind.text()
        + " of "
        + some(names)
        + ": these are weights as after "
        + (kind == Parametrization.Kind.PRUNING ? "prune.remove" : "remove_" + kind.text())
        + ", for a model without it.";
  }

  private static String some(List<String> names) {
    return (names.size() == 1 ? "" : names.size() + " tensors such as ")
        + quote(names.stream().min(Comparator.naturalOrder()).orElse(""));
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  protected boolean isOwn(String tensor) {
    return true;
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) throws IOException {
    FoldedWeight weight = folded.get(tensor.name());
    return weight == null
        ? inside().read(inside(tensor), offset, length)
        : weight.read(offset, length);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return capability == TrainedModel.class && !folded.isEmpty()
        ? Optional.of(capability.cast(this))
        : inside().find(capability);
  }
}
