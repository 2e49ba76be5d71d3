package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.pickle.PickleWriter;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.files.zip.ArchiveLayout;
import dev.monoquant.files.zip.NewEntry;
import dev.monoquant.script.Rewritten;
import dev.monoquant.script.ScriptProgram;
import dev.monoquant.script.Treatment;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The plan of an output archive: everything except its numbers. Immutable.
 *
 * <p>The order of records: both pickles and the code, version and byte order, extra files, then the
 * storages, those of the original in its order and the new ones after them.
 */
final class ScriptPlan implements OutputLayout {

  /** Starts to write a plan. */
  interface Opening {
    OutputWriter open(ScriptPlan plan, OutputJob job) throws IOException;
  }

  private static final int KINDS_SHOWN = 4;

  private final ModelSource read;
  private final OutputContents contents;
  private final Manifest.Kinds kinds;
  private final ScriptSource source;
  private final Opening opening;
  private final Map<String, String> remarks = new LinkedHashMap<>();
  private final HeldRecords records;
  private final Rewritten rewritten;
  private final SortedMap<String, String> files = Manifest.sorted();
  private final SortedMap<String, Integer> dropped = new TreeMap<>();

  /** The bytes of those that nothing needs to run. */
  private long droppedBytes;

  private final ArchiveLayout layout;

  /**
   * Plans an output.
   *
   * @param read the model that is read
   * @param contents the contents of the output
   * @param source the archive of the model
   * @param rewritten its program with the quantized weights
   * @param opening starts to write it
   */
  ScriptPlan(
      ModelSource read,
      OutputContents contents,
      ScriptSource source,
      Rewritten rewritten,
      Opening opening)
      throws IOException {
    this.read = read;
    this.contents = contents;
    this.kinds = Manifest.Kinds.of(contents);
    this.source = source;
    this.rewritten = rewritten;
    this.opening = opening;
    for (Treatment t : rewritten.treatments()) {
      remarks.put(t.weight(), t.mode().wire() + ": " + t.note());
    }
    ScriptArchive archive = source.archive();
    this.records = HeldRecords.of(contents, source, rewritten);
    List<NewEntry> entries = new ArrayList<>();
    program(entries, rewritten.program(), archive.label());
    others(entries, archive.zip());
    add(entries, Records.DESCRIPTION, description().toBytes());
    byte[] open =
        manifest(unknown(kinds.inputs(), inputNames()), unknown(kinds.outputs(), storages()))
            .toText()
            .getBytes(StandardCharsets.UTF_8);
    entries.add(NewEntry.later(name(Records.MANIFEST), open.length));
    records.bytes().forEach((name, size) -> entries.add(NewEntry.later(name(name), size)));
    this.layout = new ArchiveLayout(entries);
  }

  /** Checks that an archive can be rewritten. */
  static void requireOriginal(ScriptSource source) {
    if (source.archive().isRewritten()) {
      throw new ConfigurationException(
          source.info().name()
              + ": its code runs quantized weights already, and stays as it is. Quantize the"
              + " original, or write a .safetensors file");
    }
    if (source.archive().zip().isBigEndian()) {
      throw new ConfigurationException(
          source.info().name()
              + ": its numbers are big-endian, and only little-endian archives are rewritten. Load"
              + " and save it with PyTorch on such a machine, or write a .safetensors file");
    }
  }

  private String name(String record) {
    return source.archive().zip().folder() + record;
  }

  private void add(List<NewEntry> entries, String record, byte[] content) {
    files.put(record, kinds.outputs().of(content));
    entries.add(NewEntry.stored(name(record), content));
  }

  private void program(List<NewEntry> entries, ScriptProgram program, String label) {
    add(entries, TorchZip.PICKLE, PickleWriter.write(program.data(), label, TorchZip.PICKLE));
    program
        .code()
        .forEach(
            (path, text) -> {
              byte[] content = text.getBytes(StandardCharsets.UTF_8);
              files.put(Records.CODE + path, kinds.outputs().of(content));
              entries.add(NewEntry.deflated(name(Records.CODE + path), content));
            });
    add(
        entries,
        TorchZip.CONSTANTS,
        PickleWriter.write(program.constants(), label, TorchZip.CONSTANTS));
  }

  /** Copies version, byte order and extra files, and counts the records left out. */
  private void others(List<NewEntry> entries, TorchZip zip) throws IOException {
    SortedMap<String, byte[]> carried = new TreeMap<>();
    for (ArchiveEntry entry : zip.entries()) {
      String record = zip.nameInFolder(entry);
      boolean known =
          Records.isStorage(record)
              || record.equals(TorchZip.PICKLE)
              || record.equals(TorchZip.CONSTANTS)
              || zip.isCode(entry);
      if (Records.isCarried(record)) {
        ByteBuffer bytes = zip.bytes(entry);
        byte[] content = new byte[bytes.remaining()];
        bytes.get(content);
        carried.put(record, content);
      } else if (!known) {
        dropped.merge(kind(record), 1, Integer::sum);
        droppedBytes += record.equals(Records.BYTECODE) ? 0 : entry.size();
      }
    }
    carried.forEach((record, content) -> add(entries, record, content));
  }

  private static String kind(String record) {
    if (record.endsWith(".debug_pkl")) {
      return "debug_pkl";
    }
    return record.startsWith("traced_inputs") ? "traced_inputs" : record;
  }

  private ArchiveDescription description() {
    return new ArchiveDescription(
        source.info().layers().stream().map(ArchiveDescription.LayerNames::of).toList(),
        records.plain(),
        records.weights(),
        counts());
  }

  private Map<String, String> counts() {
    SortedMap<String, String> counts = new TreeMap<>();
    dropped.forEach((kind, count) -> counts.put(kind, String.valueOf(count)));
    return counts;
  }

  private List<String> storages() {
    return List.copyOf(records.bytes().keySet());
  }

  private List<String> inputNames() {
    return Manifest.inputNames(contents, read.info().files());
  }

  private static SortedMap<String, String> unknown(HashKind kind, List<String> names) {
    SortedMap<String, String> hashes = Manifest.sorted();
    names.forEach(name -> hashes.put(name, kind.unknown()));
    return hashes;
  }

  /**
   * {@return the manifest without its own hash; its length does not depend on hashes}
   *
   * @param inputs hashes of the input files by name
   * @param storages hashes of the storages by record
   */
  Manifest manifest(SortedMap<String, String> inputs, SortedMap<String, String> storages) {
    SortedMap<String, JsonValue> weights = Manifest.sorted();
    contents.weights().forEach(w -> weights.put(w.name(), Manifest.describe(w)));
    return new Manifest(
        HashKind.SHA256.unknown(),
        kinds,
        inputs,
        storages,
        Manifest.sorted(),
        files,
        ProvenanceText.of(contents),
        weights);
  }

  /** {@return the program of the output} */
  Rewritten rewritten() {
    return rewritten;
  }

  @Override
  public long bytes() {
    return layout.fileBytes();
  }

  @Override
  public List<BesideFile> beside(Path target) {
    List<SideFile> sides = read.info().sideFiles();
    return sides.stream()
        .map(
            side ->
                source.nameIn(target).isEmpty()
                    ? BesideFile.leftOut(side, "the output is a single file")
                    : BesideFile.carried(side))
        .toList();
  }

  @Override
  public Map<String, String> remarks() {
    return Map.copyOf(remarks);
  }

  @Override
  public List<String> notes() {
    List<String> notes = new ArrayList<>();
    rewritten
        .attentions()
        .ifPresent(
            count ->
                notes.add(
                    count == 0
                        ? "option attention: the code computes no attention in parts that one kernel"
                            + " can compute"
                        : count
                            + (count == 1 ? " attention is" : " attentions are")
                            + " computed by one kernel"
                            + (count == 1 ? "" : " each")));
    SortedMap<String, Integer> unused = new TreeMap<>(dropped);
    if (unused.remove(Records.BYTECODE) != null) {
      notes.add(
          "left out: "
              + Records.BYTECODE
              + ", the program for the lite interpreter of mobile devices, which therefore does not"
              + " run the output; libtorch, PyTorch and DJL do. Save the original with"
              + " _save_for_lite_interpreter for it");
    }
    if (unused.isEmpty()) {
      return List.copyOf(notes);
    }
    String kinds =
        unused.entrySet().stream()
            .limit(KINDS_SHOWN)
            .map(e -> e.getValue() + " x " + e.getKey())
            .collect(Collectors.joining(", "));
    int more = unused.size() - KINDS_SHOWN;
    int entries = unused.values().stream().mapToInt(Integer::intValue).sum();
    notes.add(
        "left out: "
            + entries
            + " entries of the archive, "
            + droppedBytes
            + " bytes, that nothing needs to run ("
            + kinds
            + (more > 0 ? " and " + more + " more kinds)" : ")"));
    return List.copyOf(notes);
  }

  @Override
  public OutputWriter open(WriteOptions options) throws IOException {
    return opening.open(this, new OutputJob(read, contents, options));
  }

  /** {@return the records of the numbers} */
  HeldRecords records() {
    return records;
  }

  /** {@return the layout of the file} */
  ArchiveLayout layout() {
    return layout;
  }

  /** {@return the full entry name of a record} */
  String entry(String record) {
    return requireNonNull(layout.entry(name(record)), () -> quote(record)).entry().name();
  }
}
