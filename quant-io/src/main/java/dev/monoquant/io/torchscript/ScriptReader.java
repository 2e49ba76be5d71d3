package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.io.pickle.PickleObject;
import dev.monoquant.io.pickle.PickleReader;
import dev.monoquant.io.pickle.PickleTuple;
import dev.monoquant.io.pickle.PickleValue;
import dev.monoquant.io.pickle.PickleValue.Global;
import dev.monoquant.io.torch.SharedTensors;
import dev.monoquant.io.torch.TensorReader;
import dev.monoquant.io.torch.TorchGlobals;
import dev.monoquant.io.torch.TorchSource;
import dev.monoquant.io.torch.TorchTensor;
import dev.monoquant.io.torch.TorchZip;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the source of one archive. */
final class ScriptReader {

  private static final Logger LOG = LoggerFactory.getLogger(ScriptReader.class);
  private static final int MAX_SHOWN = 10;

  /** What {@code torch.jit} puts around lists and dicts. */
  private static final Set<String> WRAPPERS =
      Set.of(
          "restore_type_tag",
          "build_intlist",
          "build_doublelist",
          "build_boollist",
          "build_tensorlist");

  private final TorchZip zip;
  private final ReadLimits limits;
  private final List<String> notes = new ArrayList<>();

  private ScriptReader(TorchZip zip, ReadLimits limits) {
    this.zip = zip;
    this.limits = limits;
  }

  static TensorSource open(Path path, String label, ReadLimits limits) throws IOException {
    TorchZip zip = TorchZip.open(path, label, limits);
    try {
      if (!zip.isScript()) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            label,
            "",
            "this is a checkpoint of torch.save, not a TorchScript archive. Read it as"
                + " torch-checkpoint.");
      }
      return new ScriptReader(zip, limits).source(path);
    } catch (IOException | RuntimeException | Error e) {
      zip.close();
      throw e;
    }
  }

  private static boolean isAllowed(Global global) {
    return TorchGlobals.inCheckpoint(global)
        || global.module().equals("__torch__")
        || global.module().startsWith("__torch__.")
        || (global.module().equals("torch.jit._pickle") && WRAPPERS.contains(global.name()));
  }

  private PickleValue pickle(String name) throws IOException {
    return PickleReader.readAll(
        zip.pickle(name), zip.label(), name, limits, ScriptReader::isAllowed);
  }

  private TensorSource source(Path path) throws IOException {
    PickleValue root = pickle(TorchZip.PICKLE);
    PickleValue constants = pickle(TorchZip.CONSTANTS);
    ScriptClasses classes = ScriptClasses.read(zip);
    ModuleTree.Modules modules = ModuleTree.walk(root, classes, zip.label(), limits);
    Map<TensorInfo, TorchTensor> tensors = new LinkedHashMap<>();
    List<Layer> layers = new ArrayList<>();
    TensorReader reader = zip.tensors("data/");
    for (ModuleTree.Node node : modules.nodes()) {
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
                own.put(local, info);
              });
      ScriptKinds.of(node.className())
          .filter(k -> !own.isEmpty())
          .ifPresent(
              kind -> layers.add(new Layer(node.path(), kind, Layer.Evidence.DECLARED, own)));
    }
    noteConstants(constants, tensors.isEmpty());
    if (tensors.isEmpty()) {
      throw noTensors("its modules have no parameters and no buffers");
    }
    requireUniqueNames(tensors);
    noteLeftOut(modules.leftOut());
    notes.addAll(SharedTensors.notes(tensors));
    notes.forEach(n -> LOG.info("{}: {}", zip.label(), n));
    return new TorchSource(
        zip.label(), tensors, Map.of(), layers, notes, List.of(path), List.of(), List.of(zip));
  }

  /** An attribute may hold a dot, and then two paths may be one name. */
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

  /** Constants are checked like weights: they are read by whoever runs the archive. */
  private void noteConstants(PickleValue constants, boolean isAll) {
    if (!(constants instanceof PickleTuple tuple)) {
      throw new ModelFormatException(
          Reason.PICKLE_SHAPE,
          zip.label(),
          quote(TorchZip.CONSTANTS),
          "holds " + constants.kind() + ", not a tuple. The archive is damaged or was altered.");
    }
    TensorReader reader = zip.tensors("constants/");
    int count = 0;
    long bytes = 0;
    for (int i = 0; i < tuple.size(); i++) {
      if (tuple.get(i) instanceof PickleObject object && TorchGlobals.isTensor(object.callee())) {
        count++;
        bytes += bytes(reader, object, "CONSTANTS.c" + i);
      }
    }
    if (count == 0) {
      return;
    }
    String what = count + (count == 1 ? " tensor of " : " tensors of ") + bytes + " bytes";
    if (isAll) {
      throw new ModelFormatException(
          Reason.NO_TENSORS,
          zip.label(),
          "",
          "the module is frozen: it has no parameters and no buffers, its weights ("
              + what
              + ") are in constants/ and have no names. Save it without torch.jit.freeze.");
    }
    notes.add("Constants of the code, not read as weights: " + what + ".");
  }

  private static long bytes(TensorReader reader, PickleObject object, String name) {
    try {
      TorchTensor tensor = reader.read(object, name);
      return new TensorInfo(name, tensor.type(), tensor.shape()).bytes();
    } catch (ModelFormatException e) {
      if (e.reason() == Reason.UNSUPPORTED_TENSOR) {
        return 0; // The code may use what cannot be quantized.
      }
      throw e;
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
