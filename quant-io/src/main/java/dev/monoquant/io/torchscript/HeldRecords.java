package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.StorageKey;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.CutStorage;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.script.Rewritten;
import dev.monoquant.script.Treatment;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Assigns the numbers of an output archive to records: storages of the original that the new
 * program still refers to, and the parts of weights. Finds any inconsistency in the rewriter's
 * result before a byte is written.
 *
 * @param bytes the size of every record with numbers, in the order of the file
 * @param copied the records that are storages of the original
 * @param cut the records that are parts of a storage of the original
 * @param parts for every weight, the records of each part; empty for a weight that shares those of
 *     another
 * @param plain the view of each tensor left unquantized
 * @param weights the description of every weight
 */
record HeldRecords(
    Map<String, Long> bytes,
    Set<String> copied,
    Map<String, Piece> cut,
    Map<String, Map<String, List<String>>> parts,
    Map<String, ViewKey> plain,
    List<ArchiveDescription.WeightRecords> weights) {

  /**
   * A part of a storage of the original.
   *
   * @param record the record of that storage
   * @param first the first byte there
   * @param bytes how many
   */
  record Piece(String record, long first, long bytes) {}

  /** A storage whose bytes are not written yet; only the size is known. */
  private record Unwritten(String label, long size) implements Storage {
    @Override
    public boolean bigEndian() {
      return false;
    }

    @Override
    public ByteBuffer slice(long offset, int length) {
      throw new IllegalStateException(label + " is not written yet");
    }
  }

  static HeldRecords of(OutputContents contents, ScriptSource source, Rewritten rewritten) {
    return new Builder(contents, source, rewritten).build();
  }

  private static final class Builder {
    private final OutputContents contents;
    private final ScriptSource source;
    private final Rewritten rewritten;
    private final String folder;
    private final Map<String, TorchTensor> views;
    private final Map<String, HeldStorage> byKey = new HashMap<>();
    private final Map<String, CutStorage> cuts = new LinkedHashMap<>();

    /** The parts of each storage that is cut, by their first element. */
    private final Map<String, TreeMap<Long, CutStorage>> pieces = new HashMap<>();

    private final Map<String, EncodedWeight> weights = new LinkedHashMap<>();
    private final Map<String, Map<String, List<String>>> parts = new LinkedHashMap<>();

    Builder(OutputContents contents, ScriptSource source, Rewritten rewritten) {
      this.contents = contents;
      this.source = source;
      this.rewritten = rewritten;
      this.folder = source.archive().zip().folder();
      this.views = source.views();
      contents.weights().forEach(w -> weights.put(w.name(), w));
      rewritten.storages().forEach(s -> byKey.put(s.key(), s));
      for (CutStorage cut : rewritten.cuts()) {
        cuts.put(cut.record(), cut);
        pieces.computeIfAbsent(cut.ofRecord(), k -> new TreeMap<>()).put(cut.first(), cut);
      }
    }

    HeldRecords build() {
      weights.values().forEach(w -> view(w.matrix().tensor()));
      ProgramViews program = program();
      Set<String> copied = new TreeSet<>();
      Map<String, Piece> cut = new LinkedHashMap<>();
      Map<String, Long> held = new HashMap<>();
      program
          .storages()
          .forEach(
              (record, size) -> {
                HeldStorage storage = byKey.get(record.substring(record.indexOf('/') + 1));
                if (cuts.containsKey(record)) {
                  cut.put(record, piece(requireNonNull(cuts.get(record)), size));
                } else if (storage == null) {
                  copied.add(record);
                } else {
                  addPart(record, size, storage);
                  held.put(record, size);
                }
              });
      Map<String, ViewKey> plain = new LinkedHashMap<>();
      contents.kept().forEach(t -> plain.put(t.name(), kept(t, program)));
      List<ArchiveDescription.WeightRecords> described = new ArrayList<>();
      rewritten.treatments().forEach(t -> described.add(describe(t)));
      requireAll(described);
      return new HeldRecords(ordered(copied, cut, held), copied, cut, parts, plain, described);
    }

    private Piece piece(CutStorage cut, long size) {
      String of = cut.ofRecord();
      long cell = size / cut.elements();
      long first = Math.multiplyExact(cut.first(), cell);
      ArchiveEntry entry =
          source.archive().zip().find(of).orElseThrow(() -> broken(quote(of) + " is not there"));
      if (first > entry.size() - size) {
        throw broken("storage " + quote(cut.key()) + " ends behind " + quote(of));
      }
      return new Piece(of, first, size);
    }

    /** The view of a tensor that the source lists. */
    private TorchTensor view(TensorInfo tensor) {
      TorchTensor view = views.get(tensor.name());
      if (view == null || view.type() != tensor.type() || !view.shape().equals(tensor.shape())) {
        throw new IllegalArgumentException(
            source.info().name()
                + " holds no tensor "
                + quote(tensor.name())
                + " of "
                + tensor.type().wire()
                + " "
                + tensor.shape());
      }
      return view;
    }

    private ProgramViews program() {
      Map<String, Storage> unwritten = new HashMap<>();
      Map<String, Long> cells = new HashMap<>();
      for (PickleValue root :
          List.of(rewritten.program().data(), rewritten.program().constants())) {
        for (StorageKey key : StorageKey.of(root, source.info().name())) {
          cells.put(key.key(), key.bytes());
        }
      }
      for (CutStorage cut : rewritten.cuts()) {
        unwritten.put(
            cut.key(), new Unwritten(folder + cut.record(), cells.getOrDefault(cut.key(), 0L)));
      }
      for (HeldStorage storage : rewritten.storages()) {
        unwritten.put(storage.key(), new Unwritten(storage.key(), storage.bytes()));
      }
      try {
        return ProgramViews.of(source.archive(), rewritten.program(), unwritten);
      } catch (ModelFormatException e) {
        throw broken(String.valueOf(e.getMessage()));
      }
    }

    private void addPart(String record, long size, HeldStorage storage) {
      EncodedWeight weight = weights.get(storage.weight());
      if (weight == null) {
        throw broken("storage " + quote(storage.key()) + " is of no weight that is written");
      }
      Part part = weight.encoding().part(storage.part());
      long expected = HeldStorage.layout(weight).tensor(part.name()).bytes();
      if (size != expected || storage.bytes() != expected) {
        throw broken(
            "storage "
                + quote(storage.key())
                + " of "
                + quote(weight.name())
                + " has "
                + size
                + " bytes, its part "
                + part.name()
                + " has "
                + expected);
      }
      parts
          .computeIfAbsent(weight.name(), n -> new LinkedHashMap<>())
          .computeIfAbsent(part.name(), n -> new ArrayList<>())
          .add(record);
    }

    private ViewKey kept(TensorInfo tensor, ProgramViews program) {
      ViewKey original = ViewKey.of(folder, view(tensor));
      ViewKey key =
          Optional.ofNullable(pieces.get(original.record()))
              .map(all -> all.floorEntry(original.offset()))
              .map(Map.Entry::getValue)
              .map(c -> original.in(c.record(), original.offset() - c.first()))
              .orElse(original);
      if (!program.views().containsKey(key)) {
        throw broken("the new program has lost the kept tensor " + quote(tensor.name()));
      }
      return key;
    }

    private ArchiveDescription.WeightRecords describe(Treatment treatment) {
      EncodedWeight weight = requireNonNull(weights.get(treatment.weight()), treatment.weight());
      Map<String, List<String>> own = parts.get(weight.name());
      if (own == null) {
        own = requireNonNull(parts.get(twin(weight).name()));
        parts.put(weight.name(), Map.of());
      }
      Map<String, String> records = new LinkedHashMap<>();
      for (Part part : weight.encoding().parts()) {
        List<String> found = own.get(part.name());
        if (found == null) {
          throw broken("part " + part.name() + " of " + quote(weight.name()) + " has no storage");
        }
        records.put(part.name(), found.get(0));
      }
      return new ArchiveDescription.WeightRecords(
          weight, treatment.mode(), treatment.note(), records);
    }

    /** A tensor with two names is stored once, so both must be quantized in the same way. */
    private EncodedWeight twin(EncodedWeight weight) {
      TorchTensor view = requireNonNull(views.get(weight.name()));
      for (EncodedWeight other : weights.values()) {
        if (parts.containsKey(other.name())
            && !requireNonNull(parts.get(other.name())).isEmpty()
            && ViewKey.of(folder, requireNonNull(views.get(other.name())))
                .equals(ViewKey.of(folder, view))
            && other.scheme().equals(weight.scheme())
            && other.options().equals(weight.options())
            && other.encoding().equals(weight.encoding())) {
          return other;
        }
      }
      throw broken("weight " + quote(weight.name()) + " has no storages");
    }

    private void requireAll(List<ArchiveDescription.WeightRecords> described) {
      if (described.stream().map(d -> d.weight().name()).distinct().count() != weights.size()
          || described.size() != weights.size()) {
        throw broken("not every weight was treated once");
      }
    }

    /** Storages of the original in their order there, then the new ones in their order. */
    private Map<String, Long> ordered(
        Set<String> copied, Map<String, Piece> cut, Map<String, Long> held) {
      Map<String, Long> bytes = new LinkedHashMap<>();
      for (ArchiveEntry entry : source.archive().zip().entries()) {
        String record = source.archive().zip().nameInFolder(entry);
        if (copied.contains(record)) {
          bytes.put(record, entry.size());
        }
      }
      if (bytes.size() != copied.size()) {
        throw broken("the new program refers to storages that are not there: " + copied);
      }
      cut.forEach((record, piece) -> bytes.put(record, piece.bytes()));
      for (HeldStorage storage : rewritten.storages()) {
        for (String directory : List.of(Records.DATA, Records.CONSTANTS)) {
          Long size = held.get(directory + storage.key());
          if (size != null && bytes.put(directory + storage.key(), size) != null) {
            throw broken("key " + quote(storage.key()) + " is that of two storages");
          }
        }
      }
      return bytes;
    }

    private IllegalStateException broken(String detail) {
      return new IllegalStateException(
          source.info().name() + ": the rewriting is wrong: " + detail);
    }
  }
}
