package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.torch.SharedTensors;
import dev.monoquant.files.torch.TensorReader;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.Script;
import dev.monoquant.script.StateDict;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Builds the source of an archive. */
final class ScriptReader {

  private static final int MAX_SHOWN = 10;

  private final ScriptArchive archive;
  private final TorchZip zip;
  private final ReadLimits limits;
  private final List<String> notes = new ArrayList<>();

  private ScriptReader(ScriptArchive archive) {
    this.archive = archive;
    this.zip = archive.zip();
    this.limits = archive.limits();
  }

  static ScriptSource open(Path path, String label, ReadLimits limits) throws IOException {
    return open(ScriptArchive.open(path, label, limits), ScriptPlace.of(path), List.of());
  }

  /**
   * Builds the source of an open archive.
   *
   * @param archive closed with the source, and at once on failure
   * @param place its location
   * @param behind closed with the source, after the archive
   */
  static ScriptSource open(
      ScriptArchive archive, ScriptPlace place, List<? extends Closeable> behind)
      throws IOException {
    try {
      ScriptSource.Content content =
          archive.isRewritten()
              ? RewrittenReader.read(archive)
              : new ScriptReader(archive).content();
      return new ScriptSource(archive, content, place, behind);
    } catch (IOException | RuntimeException | Error e) {
      archive.close();
      throw e;
    }
  }

  private ScriptSource.Content content() {
    StateDict state = archive.script().stateDict();
    Map<TensorInfo, TorchTensor> tensors = new LinkedHashMap<>();
    List<Layer> layers = new ArrayList<>();
    List<Map<String, TensorInfo>> declared = new ArrayList<>();
    List<TensorInfo> unknown = new ArrayList<>();
    TensorReader reader = zip.tensors(Records.DATA);
    for (StateDict.Node node : state.nodes()) {
      Map<String, TensorInfo> own = new LinkedHashMap<>();
      node.tensors()
          .forEach(
              (local, object) -> {
                String name = node.tensorName(local);
                TorchTensor tensor = reader.read(object, name);
                TensorInfo info = new TensorInfo(name, tensor.type(), tensor.shape());
                if (tensors.put(info, tensor) != null) {
                  throw duplicate(name);
                }
                if (node.unknown().contains(local)) {
                  unknown.add(info);
                }
                own.put(local, info);
              });
      declared.add(own);
    }
    List<Layer> used = archive.script().layersByUse(unknown);
    Set<TensorInfo> weights = weights(used);
    for (int i = 0; i < declared.size(); i++) {
      StateDict.Node node = state.nodes().get(i);
      Map<String, TensorInfo> own = declared.get(i);
      own.values().removeIf(weights::contains);
      node.kind()
          .filter(k -> !own.isEmpty())
          .ifPresent(
              kind -> layers.add(new Layer(node.path(), kind, Layer.Evidence.DECLARED, own)));
    }
    layers.addAll(used);
    Map<TensorInfo, TorchTensor> constants = constants();
    List<Layer> frozen = archive.script().layersOf(constants.keySet());
    layers.addAll(frozen);
    if (tensors.isEmpty()) {
      // A frozen module has its weights only here. Beside parameters, other constants may be
      // anything that is not trained, such as a filter bank.
      tensors.putAll(constants);
      constants.keySet().removeAll(weights(frozen));
      layers.addAll(archive.script().layersByUse(constants.keySet()));
    } else {
      // Freezing leaves parameters that it cannot fold, and turns the others into constants.
      frozen.forEach(
          layer ->
              layer
                  .tensors()
                  .values()
                  .forEach(t -> tensors.put(t, requireNonNull(constants.remove(t)))));
      noteConstants(constants.keySet());
    }
    if (tensors.isEmpty()) {
      throw noTensors("its modules have no parameters and no buffers, its code no constants");
    }
    requireUniqueNames(tensors);
    noteLeftOut(state.leftOut());
    archive.moved().ifPresent(notes::add);
    notes.addAll(archive.script().notes());
    notes.addAll(SharedTensors.notes(tensors));
    return new ScriptSource.Content(tensors, List.of(), layers, notes, Map.of());
  }

  private static Set<TensorInfo> weights(List<Layer> layers) {
    Set<TensorInfo> weights = new HashSet<>();
    layers.forEach(layer -> weights.addAll(layer.tensors().values()));
    return weights;
  }

  /** An attribute name may contain a dot, so two paths may give the same name. */
  private void requireUniqueNames(Map<TensorInfo, TorchTensor> tensors) {
    Set<String> names = new HashSet<>();
    for (TensorInfo info : tensors.keySet()) {
      if (info.name().length() > limits.maxNameLength() || tensors.size() > limits.maxTensors()) {
        throw new ModelFormatException(
            Reason.LIMIT,
            zip.label(),
            "tensor " + quote(info.name()),
            "its name has "
                + info.name().length()
                + " characters, and there are "
                + tensors.size()
                + " tensors; at most "
                + limits.maxNameLength()
                + " (limit maxNameLength) and "
                + limits.maxTensors()
                + " (limit maxTensors) are read.");
      }
      if (!names.add(info.name())) {
        throw duplicate(info.name());
      }
    }
  }

  private ModelFormatException duplicate(String name) {
    return new ModelFormatException(
        Reason.DUPLICATE_KEY,
        zip.label(),
        "tensor " + quote(name),
        "two tensors have that name. Rename one of the attributes and save the module again.");
  }

  private ModelFormatException noTensors(String detail) {
    return new ModelFormatException(
        Reason.NO_TENSORS,
        zip.label(),
        "",
        detail + ", so there is nothing to read. Save a module with weights with torch.jit.save.");
  }

  /** The plain tensors among the constants; other tensors in the code cannot be quantized. */
  private Map<TensorInfo, TorchTensor> constants() {
    TensorReader reader = zip.tensors(Records.CONSTANTS);
    PickleTuple tuple = archive.program().constants();
    Map<TensorInfo, TorchTensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < tuple.size(); i++) {
      if (tuple.get(i) instanceof PickleObject object && TorchGlobals.isTensor(object.callee())) {
        String name = Script.constantName(i);
        try {
          TorchTensor tensor = reader.read(object, name);
          tensors.put(new TensorInfo(name, tensor.type(), tensor.shape()), tensor);
        } catch (ModelFormatException e) {
          if (e.reason() != Reason.UNSUPPORTED_TENSOR) {
            throw e;
          }
          notes.add(String.valueOf(e.getMessage()));
        }
      }
    }
    return tensors;
  }

  private void noteConstants(Set<TensorInfo> constants) {
    if (!constants.isEmpty()) {
      long bytes = constants.stream().mapToLong(TensorInfo::bytes).sum();
      notes.add(
          "Constants of the code, not read as weights: "
              + constants.size()
              + (constants.size() == 1 ? " tensor of " : " tensors of ")
              + bytes
              + " bytes.");
    }
  }

  private void noteLeftOut(List<String> leftOut) {
    if (!leftOut.isEmpty()) {
      List<String> shown = leftOut.stream().limit(MAX_SHOWN).map(QuantException::quote).toList();
      notes.add(
          "Neither parameters nor buffers, so left out: "
              + String.join(", ", shown)
              + (leftOut.size() > MAX_SHOWN
                  ? " and " + (leftOut.size() - MAX_SHOWN) + " more attributes."
                  : "."));
    }
  }
}
