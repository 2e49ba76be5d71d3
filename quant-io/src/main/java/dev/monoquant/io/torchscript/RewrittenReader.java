package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.WeightJson;
import dev.monoquant.files.torch.SharedTensors;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a rewritten archive by its description. The description must agree with the program: the
 * pickles contain the same view for each plain tensor, and refer to the storage of each part, which
 * has exactly the size that the encoding implies.
 */
final class RewrittenReader {

  private final ScriptArchive archive;
  private final JsonFields.Fault fault;
  private final ProgramViews program;
  private final Map<String, TensorInfo> infos = new LinkedHashMap<>();

  private RewrittenReader(ScriptArchive archive) {
    this.archive = archive;
    this.fault = new JsonFields.Fault(archive.label(), Records.DESCRIPTION);
    this.program = ProgramViews.of(archive, archive.program(), Map.of());
  }

  static ScriptSource.Content read(ScriptArchive archive) throws IOException {
    return new RewrittenReader(archive).content();
  }

  private ScriptSource.Content content() throws IOException {
    ArchiveDescription description =
        ArchiveDescription.parse(text(), fault, archive.limits().maxDepth());
    Map<TensorInfo, TorchTensor> tensors = new LinkedHashMap<>();
    description.tensors().forEach((name, key) -> tensors.put(plain(name, key), view(name, key)));
    List<HeldWeight> weights = new ArrayList<>();
    Set<String> held = new HashSet<>();
    for (ArchiveDescription.WeightRecords weight : description.weights()) {
      weights.add(held(weight));
      held.addAll(weight.records().values());
    }
    if (infos.isEmpty()) {
      throw fault.of(quote(Records.DESCRIPTION), "names no tensor");
    }
    requireLimits();
    List<Layer> layers =
        description.layers().stream().map(layer -> layer.layer(infos, fault)).toList();
    return new ScriptSource.Content(
        tensors, weights, layers, notes(description, tensors, held), made());
  }

  private ByteBuffer text() throws IOException {
    ArchiveEntry entry = archive.zip().find(Records.DESCRIPTION).orElseThrow();
    if (entry.size() > archive.limits().maxIndexBytes()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          archive.label(),
          quote(Records.DESCRIPTION),
          "has "
              + entry.size()
              + " bytes, at most "
              + archive.limits().maxIndexBytes()
              + " are read (limit maxIndexBytes). Raise the limit if the file can be trusted.");
    }
    return archive.zip().bytes(entry);
  }

  private TensorInfo plain(String name, ViewKey key) {
    TensorInfo info = new TensorInfo(name, key.type(), key.shape());
    if (infos.put(name, info) != null) {
      throw fault.of("tensor " + quote(name), "is there twice");
    }
    return info;
  }

  private TorchTensor view(String name, ViewKey key) {
    TorchTensor view = program.views().get(key);
    if (view == null) {
      throw fault.of(
          "tensor " + quote(name),
          "is said to be a view of record " + quote(key.record()) + " that no pickle has");
    }
    return view;
  }

  private HeldWeight held(ArchiveDescription.WeightRecords records) {
    EncodedWeight weight = records.weight();
    String where = WeightJson.where(weight.name());
    if (infos.put(weight.name(), weight.matrix().tensor()) != null) {
      throw fault.of(where, "is a plain tensor too");
    }
    Set<String> names = new HashSet<>();
    weight.encoding().parts().forEach(p -> names.add(p.name()));
    if (!names.equals(records.records().keySet())) {
      throw fault.of(where, "has records " + records.records().keySet() + " for parts " + names);
    }
    Map<String, Storage> storages = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      storages.put(part.name(), storage(where, weight, part, records.records()));
    }
    return new HeldWeight(weight, storages);
  }

  private Storage storage(
      String where, EncodedWeight weight, Part part, Map<String, String> records) {
    String record = String.valueOf(records.get(part.name()));
    Long known = program.storages().get(record);
    if (known == null) {
      throw fault.of(
          where,
          "its part " + part.name() + " is record " + quote(record) + ", which no pickle has");
    }
    long expected;
    try {
      expected = HeldStorage.layout(weight).tensor(part.name()).bytes();
    } catch (ArithmeticException e) {
      throw fault.of(where, e);
    }
    Storage storage = archive.zip().record(record);
    if (known != expected || storage.size() != expected) {
      throw fault.of(
          where,
          "its part "
              + part.name()
              + " is record "
              + quote(record)
              + " of "
              + storage.size()
              + " bytes, the description implies "
              + expected);
    }
    return storage;
  }

  private void requireLimits() {
    for (String name : infos.keySet()) {
      if (name.length() > archive.limits().maxNameLength()
          || infos.size() > archive.limits().maxTensors()) {
        throw new ModelFormatException(
            Reason.LIMIT,
            archive.label(),
            "tensor " + quote(name),
            "its name has "
                + name.length()
                + " characters, and there are "
                + infos.size()
                + " tensors; at most "
                + archive.limits().maxNameLength()
                + " (limit maxNameLength) and "
                + archive.limits().maxTensors()
                + " (limit maxTensors) are read.");
      }
    }
  }

  private List<String> notes(
      ArchiveDescription description, Map<TensorInfo, TorchTensor> tensors, Set<String> held) {
    List<String> notes = new ArrayList<>(SharedTensors.notes(tensors));
    Set<String> named = new HashSet<>(held);
    description.tensors().values().forEach(v -> named.add(v.record()));
    Set<String> others = new HashSet<>(program.storages().keySet());
    others.removeAll(named);
    if (!others.isEmpty()) {
      long bytes = others.stream().mapToLong(r -> program.storages().getOrDefault(r, 0L)).sum();
      notes.add(
          "Constants and attributes of the code, not read as weights: "
              + others.size()
              + (others.size() == 1 ? " storage of " : " storages of ")
              + bytes
              + " bytes.");
    }
    return notes;
  }

  /** A damaged manifest is reported by an audit, not by a reader. */
  private Map<String, String> made() throws IOException {
    TorchZip zip = archive.zip();
    Optional<ArchiveEntry> entry = zip.find(Records.MANIFEST);
    if (entry.isEmpty()) {
      return Map.of();
    }
    try {
      ByteBuffer bytes = zip.bytes(entry.get());
      byte[] text = new byte[bytes.remaining()];
      bytes.get(text);
      return Manifest.parse(text, zip.label()).made();
    } catch (ModelFormatException damaged) {
      return Map.of();
    }
  }
}
