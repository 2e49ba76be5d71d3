package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.script.HostDevice;
import dev.monoquant.script.Script;
import dev.monoquant.script.ScriptProgram;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** An open archive: its records and its program. Thread-safe except for {@link #close}. */
final class ScriptArchive implements Closeable {

  private static final String WRAPPERS_MODULE = "torch.jit._pickle";

  /** The wrappers that {@code torch.jit} puts around lists and dicts. */
  private static final Set<String> WRAPPERS =
      Set.of(
          "restore_type_tag",
          "build_intlist",
          "build_doublelist",
          "build_boollist",
          "build_tensorlist");

  private final Path path;
  private final TorchZip zip;
  private final Script script;
  private final ReadLimits limits;
  private final Set<String> classes;
  private final HostDevice device;

  private ScriptArchive(
      Path path,
      TorchZip zip,
      ScriptProgram program,
      Set<String> classes,
      HostDevice device,
      ReadLimits limits) {
    this.device = device;
    this.path = path;
    this.classes = classes;
    this.zip = zip;
    this.script = new Script(program, zip.label(), limits);
    this.limits = limits;
  }

  /**
   * Opens an archive and reads everything except its numbers.
   *
   * @param path the file
   * @param label its name for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open archive; the caller closes it
   */
  static ScriptArchive open(Path path, String label, ReadLimits limits) throws IOException {
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
      Set<String> classes = new TreeSet<>();
      HostDevice device = new HostDevice();
      ScriptProgram program = program(zip, limits, classes, device);
      return new ScriptArchive(path, zip, program, classes, device, limits);
    } catch (IOException | RuntimeException | Error e) {
      zip.close();
      throw e;
    }
  }

  private static ScriptProgram program(
      TorchZip zip, ReadLimits limits, Set<String> classes, HostDevice device) throws IOException {
    PickleValue data = pickle(zip, TorchZip.PICKLE, limits, classes, device);
    PickleValue constants = pickle(zip, TorchZip.CONSTANTS, limits, classes, device);
    if (!(constants instanceof PickleTuple tuple)) {
      throw new ModelFormatException(
          Reason.PICKLE_SHAPE,
          zip.label(),
          quote(TorchZip.CONSTANTS),
          "holds " + constants.kind() + ", not a tuple. The archive is damaged or was altered.");
    }
    if (zip.code().isEmpty() && zip.find(Records.BYTECODE).isPresent()) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT,
          zip.label(),
          quote(Records.BYTECODE),
          "this is an archive for the lite interpreter of mobile devices without the code that it"
              + " was made from. Save the module with torch.jit.save and read that.");
    }
    if (zip.code().isEmpty()) {
      throw zip.missing("code/__torch__.py");
    }
    SortedMap<String, String> code = new TreeMap<>();
    long bytes = 0;
    for (ArchiveEntry entry : zip.code()) {
      bytes += entry.size();
      if (bytes > limits.maxInflatedBytes()) {
        throw new ModelFormatException(
            Reason.LIMIT,
            zip.label(),
            quote(entry.name()),
            "makes more than "
                + limits.maxInflatedBytes()
                + " bytes of code (limit maxInflatedBytes). Raise the limit if the file can be"
                + " trusted.");
      }
      code.put(
          zip.nameInFolder(entry).substring(Records.CODE.length()), device.ofCode(zip.text(entry)));
    }
    return new ScriptProgram(code, data, tuple);
  }

  private static PickleValue pickle(
      TorchZip zip, String name, ReadLimits limits, Set<String> classes, HostDevice device)
      throws IOException {
    return PickleReader.readAll(
        zip.pickle(name),
        zip.label(),
        name,
        limits,
        global -> isAllowed(global, classes),
        device::ofPickle);
  }

  /** Records the classes that have code. */
  private static boolean isAllowed(Global global, Set<String> classes) {
    if (global.module().equals("__torch__") || global.module().startsWith("__torch__.")) {
      classes.add(global.path());
      return true;
    }
    return TorchGlobals.inCheckpoint(global)
        || (global.module().equals(WRAPPERS_MODULE) && WRAPPERS.contains(global.name()));
  }

  /** {@return the file} */
  Path path() {
    return path;
  }

  /** {@return its name for messages} */
  String label() {
    return zip.label();
  }

  TorchZip zip() {
    return zip;
  }

  /** {@return a sentence about the devices that were replaced by the CPU; empty if none was} */
  Optional<String> moved() {
    return device.hasReplaced() ? Optional.of(device.note()) : Optional.empty();
  }

  /** {@return the program, moved to the CPU} */
  ScriptProgram program() {
    return script.program();
  }

  /** {@return the program, parsed} */
  Script script() {
    return script;
  }

  ReadLimits limits() {
    return limits;
  }

  /**
   * Checks that running the archive only computes.
   *
   * @return the operations not known to only compute, each with its place; empty if there are none
   */
  List<String> notComputing() {
    List<String> all = new ArrayList<>();
    for (ArchiveEntry entry : zip.entries()) {
      // Archives of torch 1.0 list their code records, with arbitrary names, in this record; the
      // engine ignores the case of record names.
      if (zip.nameInFolder(entry).equalsIgnoreCase("model.json")) {
        all.add("an archive of torch 1.0, whose code is not checked, in model.json");
      }
    }
    all.addAll(script.notComputing(classes, types()));
    return all;
  }

  /** The types that the pickles give to lists and dicts; the engine compiles them. */
  private Set<String> types() {
    Set<String> types = new TreeSet<>();
    for (PickleValue root : List.of(program().data(), program().constants())) {
      for (PickleObject object : PickleWalk.objects(root)) {
        if (object.callee().module().equals(WRAPPERS_MODULE)) {
          for (PickleValue argument : object.args().items()) {
            if (argument instanceof PickleValue.Text type) {
              types.add(type.value());
            }
          }
        }
      }
    }
    return types;
  }

  /** {@return whether it is a rewritten archive} */
  boolean isRewritten() {
    return zip.find(Records.DESCRIPTION).isPresent();
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
