package dev.monoquant.files.torch;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Finds names of the same tensor, as in tied weights. */
public final class SharedTensors {

  private static final int MAX_NOTES = 20;

  private record Same(
      String shard,
      String storage,
      ElementType type,
      TensorShape shape,
      long offset,
      List<Long> strides) {}

  private SharedTensors() {}

  /**
   * Groups names by their tensor.
   *
   * @param tensors all tensors of one file
   * @return a sentence for each group of two or more, at most 20, and one for the rest
   */
  public static List<String> notes(Map<TensorInfo, TorchTensor> tensors) {
    List<String> notes =
        groups(tensors).stream()
            .map(
                g ->
                    "One tensor under several names: "
                        + shown(g.stream().map(QuantException::quote).toList())
                        + ".")
            .collect(Collectors.toCollection(ArrayList::new));
    if (notes.size() > MAX_NOTES) {
      int more = notes.size() - MAX_NOTES;
      notes.subList(MAX_NOTES, notes.size()).clear();
      notes.add(more + " more groups of names stand for one tensor each.");
    }
    return notes;
  }

  /**
   * Finds tied names.
   *
   * @param tensors all tensors of one file
   * @return the first name of the group, for every other name in a group
   */
  public static Map<String, String> tied(Map<TensorInfo, TorchTensor> tensors) {
    Map<String, String> tied = new LinkedHashMap<>();
    for (List<String> group : groups(tensors)) {
      group.subList(1, group.size()).forEach(name -> tied.put(name, group.get(0)));
    }
    return tied;
  }

  private static List<List<String>> groups(Map<TensorInfo, TorchTensor> tensors) {
    Map<Same, List<String>> groups = new LinkedHashMap<>();
    tensors.forEach(
        (info, t) -> {
          if (t.shape().elements() > 0) {
            // Shards of one model use the same storage names.
            Same same =
                new Same(
                    info.shard(),
                    t.storage().label(),
                    t.type(),
                    t.shape(),
                    t.offset(),
                    t.strides());
            groups.computeIfAbsent(same, s -> new ArrayList<>()).add(info.name());
          }
        });
    return groups.values().stream().filter(g -> g.size() > 1).toList();
  }

  private static String shown(List<String> names) {
    int most = 10;
    return String.join(", ", names.subList(0, Math.min(most, names.size())))
        + (names.size() > most ? " and " + (names.size() - most) + " more" : "");
  }
}
