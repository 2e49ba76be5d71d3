package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWalk;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Cuts storages that contained a quantized weight and other tensors. The rest of such a storage
 * becomes separate storages; otherwise the file would keep the whole storage for a bias.
 *
 * <pre>
 * storage 0:  [ weight ......... | bias | weight ................. | bias ]    one buffer
 * held:         ^^^^^^^^^^^^^^^^          ^^^^^^^^^^^^^^^^^^^^^^^^
 * left:                          [ bias ]                          [ bias ]    two storages
 * </pre>
 *
 * <p>Tensors that overlap stay in one storage. A storage is not cut if anything but attributes of
 * modules, or constants of the code, refers to it, such as a list, or if a view of it is not
 * understood.
 */
final class Cuts {

  /** A tensor that stays, and its range of elements in the storage. */
  private record Range(PickleObject tensor, TensorView view, long end) {}

  private final Supplier<String> freshKey;
  private final IdentityHashMap<PickleObject, PickleObject> moved = new IdentityHashMap<>();
  private final List<CutStorage> storages = new ArrayList<>();

  private Cuts(Supplier<String> freshKey) {
    this.freshKey = freshKey;
  }

  /** {@return cuts that leave all storages whole} */
  static Cuts none() {
    return new Cuts(
        () -> {
          throw new IllegalStateException("nothing is cut");
        });
  }

  /**
   * Cuts the storages of a program.
   *
   * @param program the original
   * @param modules its modules
   * @param held the attributes of each module that are replaced by holders
   * @param constants the names of the constants that are
   * @param freshKey returns keys for new storages
   */
  static Cuts of(
      ScriptProgram program,
      Modules modules,
      Map<Modules.Module, ? extends Map<String, ?>> held,
      Set<String> constants,
      Supplier<String> freshKey) {
    Cuts cuts = new Cuts(freshKey);
    Pieces data = new Pieces("data/", program.data());
    for (Modules.Module module : modules.all()) {
      Map<String, ?> ofModule = held.containsKey(module) ? held.get(module) : Map.of();
      module.tensors().forEach((name, tensor) -> data.add(tensor, ofModule.containsKey(name)));
    }
    cuts.cut(data);
    Pieces ofCode = new Pieces("constants/", program.constants());
    for (int i = 0; i < program.constants().size(); i++) {
      if (program.constants().get(i) instanceof PickleObject tensor) {
        ofCode.add(tensor, constants.contains("c" + i));
      }
    }
    cuts.cut(ofCode);
    return cuts;
  }

  /** The tensors of one pickle. */
  private static final class Pieces {
    private final String folder;
    private final Map<String, Integer> references = new HashMap<>();
    private final Map<String, List<Range>> staying = new LinkedHashMap<>();
    private final Map<String, Long> sizes = new LinkedHashMap<>();
    private final Set<PicklePersistent> seen = Collections.newSetFromMap(new IdentityHashMap<>());

    Pieces(String folder, PickleValue root) {
      this.folder = folder;
      PickleWalk.persistentIds(root).forEach(p -> references.merge(key(p), 1, Integer::sum));
    }

    void add(PickleObject tensor, boolean isHeld) {
      Optional<TensorView> found = TensorView.of(tensor);
      if (found.isEmpty()) {
        return;
      }
      TensorView view = found.get();
      PicklePersistent id = (PicklePersistent) tensor.args().get(0);
      if (seen.add(id)) {
        references.merge(view.key(), -1, Integer::sum);
      }
      if (isHeld) {
        sizes.put(view.key(), elements(id));
      } else {
        staying
            .computeIfAbsent(view.key(), k -> new ArrayList<>())
            .add(new Range(tensor, view, view.end()));
      }
    }
  }

  private void cut(Pieces pieces) {
    pieces.sizes.forEach(
        (key, size) -> {
          List<Range> ranges = pieces.staying.getOrDefault(key, List.of());
          if (pieces.references.getOrDefault(key, 0) == 0) {
            cut(pieces.folder, key, size, ranges);
          }
        });
  }

  private static String key(PicklePersistent persistent) {
    return persistent.id() instanceof PickleTuple id
            && id.size() > 2
            && id.get(2) instanceof Text key
        ? key.value()
        : "";
  }

  private static long elements(PicklePersistent persistent) {
    return persistent.id() instanceof PickleTuple id
            && id.size() > 4
            && id.get(4) instanceof Int size
        ? size.value()
        : -1;
  }

  private void cut(String folder, String key, long size, List<Range> ranges) {
    boolean inside =
        ranges.stream()
            .allMatch(
                r -> r.view().offset() >= 0 && r.end() > r.view().offset() && r.end() <= size);
    if (ranges.isEmpty() || !inside) {
      return; // No tensor stays, or one without elements.
    }
    List<List<Range>> pieces = new ArrayList<>();
    long end = -1;
    long left = 0;
    for (Range range :
        ranges.stream().sorted(Comparator.comparingLong(r -> r.view().offset())).toList()) {
      if (range.view().offset() >= end) {
        pieces.add(new ArrayList<>());
        left += range.end() - range.view().offset();
        end = range.end();
      } else if (range.end() > end) {
        left += range.end() - end;
        end = range.end();
      }
      pieces.get(pieces.size() - 1).add(range);
    }
    if (left < size) {
      pieces.forEach(piece -> move(folder, key, piece));
    }
  }

  private void move(String folder, String key, List<Range> piece) {
    long first = piece.get(0).view().offset();
    long end = piece.stream().mapToLong(Range::end).max().orElse(first);
    CutStorage storage = new CutStorage(folder, freshKey.get(), key, first, end - first);
    storages.add(storage);
    piece.forEach(range -> moved.put(range.tensor(), tensor(range, storage)));
  }

  private static PickleObject tensor(Range range, CutStorage storage) {
    PickleObject old = range.tensor();
    List<PickleValue> args = new ArrayList<>(old.args().items());
    List<PickleValue> id =
        new ArrayList<>(((PickleTuple) ((PicklePersistent) args.get(0)).id()).items());
    id.set(2, new Text(storage.key()));
    id.set(4, new Int(storage.elements()));
    args.set(0, new PicklePersistent(new PickleTuple(id)));
    args.set(1, new Int(range.view().offset() - storage.first()));
    PickleObject made =
        new PickleObject(old.call(), old.callee(), new PickleTuple(args), old.keywords());
    old.state().ifPresent(made::setState);
    return made;
  }

  /** {@return the value in the new program for a value of the original} */
  PickleValue of(PickleValue value) {
    PickleObject other = value instanceof PickleObject tensor ? moved.get(tensor) : null;
    return other == null ? value : other;
  }

  /** {@return the storages that are parts of others, in order} */
  List<CutStorage> storages() {
    return storages;
  }
}
