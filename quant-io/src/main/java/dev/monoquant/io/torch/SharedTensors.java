package dev.monoquant.io.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Tells which names stand for the very same tensor, as tied weights do. */
public final class SharedTensors {

  private static final int MAX_NOTES = 20;

  private record Same(
      String storage, ElementType type, TensorShape shape, long offset, List<Long> strides) {}

  private SharedTensors() {}

  /**
   * Groups names by what they show.
   *
   * @param tensors all tensors of one file
   * @return a sentence for each group of two and more, at most 20 and one more
   */
  public static List<String> notes(Map<TensorInfo, TorchTensor> tensors) {
    Map<Same, List<String>> groups = new LinkedHashMap<>();
    tensors.forEach(
        (info, t) -> {
          if (t.shape().elements() > 0) {
            Same same = new Same(t.storage().label(), t.type(), t.shape(), t.offset(), t.strides());
            groups.computeIfAbsent(same, s -> new ArrayList<>()).add(quote(info.name()));
          }
        });
    List<String> notes =
        groups.values().stream()
            .filter(g -> g.size() > 1)
            .map(g -> "One tensor under several names: " + shown(g) + ".")
            .collect(Collectors.toCollection(ArrayList::new));
    if (notes.size() > MAX_NOTES) {
      int more = notes.size() - MAX_NOTES;
      notes.subList(MAX_NOTES, notes.size()).clear();
      notes.add(more + " more groups of names stand for one tensor each.");
    }
    return notes;
  }

  private static String shown(List<String> names) {
    int most = 10;
    return String.join(", ", names.subList(0, Math.min(most, names.size())))
        + (names.size() > most ? " and " + (names.size() - most) + " more" : "");
  }
}
