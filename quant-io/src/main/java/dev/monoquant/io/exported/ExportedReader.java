package dev.monoquant.io.exported;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.model.ModelPart;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.files.torch.SharedTensors;
import dev.monoquant.files.torch.TorchSource;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Builds the source of an archive of {@code torch.export.save}. */
final class ExportedReader {

  private static final String MODELS = "models/";
  private static final String JSON = ".json";
  private static final String WEIGHTS = "data/weights/";
  private static final String CONSTANTS = "data/constants/";
  private static final int MAX_WORD_BYTES = 64;

  private final TorchZip zip;
  private final ReadLimits limits;
  private final List<String> notes = new ArrayList<>();

  private ExportedReader(TorchZip zip, ReadLimits limits) {
    this.zip = zip;
    this.limits = limits;
  }

  static ModelSource open(Path path, String label, ReadChoices choices, ReadLimits limits)
      throws IOException {
    TorchZip zip = TorchZip.openExported(path, label, limits);
    try {
      return new ExportedReader(zip, limits).source(path, choices);
    } catch (IOException | RuntimeException | Error e) {
      zip.close();
      throw e;
    }
  }

  private ModelSource source(Path path, ReadChoices choices) throws IOException {
    requireWord("archive_format", "pt2");
    requireWord("archive_version", "0");
    if (zip.isBigEndian()) {
      throw new ModelFormatException(
          Reason.BYTEORDER,
          zip.label(),
          quote("byteorder"),
          "is big; weights of torch.export are read as little-endian only. Load the model with"
              + " torch.export.load and save it again on a little-endian machine.");
    }
    String model = model(choices.entry());
    Map<TensorInfo, TorchTensor> tensors = weights(model);
    if (tensors.isEmpty()) {
      throw new ModelFormatException(
          Reason.NO_TENSORS,
          zip.label(),
          "",
          "model " + quote(model) + " has no parameters and no persistent buffers.");
    }
    JsonValue graph = json(MODELS + model + JSON);
    ExportedGraph layers = ExportedGraph.of(graph, tensors.keySet());
    notes.addAll(layers.notes());
    noteConstants(model);
    notes.addAll(SharedTensors.notes(tensors));
    SideFiles sides = ModelPart.beside(path);
    notes.addAll(sides.notes());
    ModelSource source =
        new TorchSource(
            zip.label(),
            tensors,
            Map.of(),
            layers.layers(),
            notes,
            List.of(path),
            sides.files(),
            sides.leftOut(),
            List.of(zip));
    return TrainedModel.of(
        source, choices.stripPrefixes().orElse(false), choices.fold().orElse(false));
  }

  private void requireWord(String record, String expected) throws IOException {
    ArchiveEntry entry = zip.find(record).orElseThrow(() -> zip.missing(record));
    String word =
        entry.size() > MAX_WORD_BYTES
            ? entry.size() + " bytes"
            : StandardCharsets.ISO_8859_1.decode(zip.bytes(entry)).toString().strip();
    if (!word.equals(expected)) {
      throw new ModelFormatException(
          Reason.VERSION,
          zip.label(),
          quote(record),
          "is "
              + quote(word)
              + "; "
              + quote(expected)
              + " is read. Save the model with a version of PyTorch that is known.");
    }
  }

  /** The model that was chosen, or the only one. */
  private String model(String chosen) {
    List<String> models =
        zip.entries().stream()
            .map(zip::nameInFolder)
            .filter(n -> n.startsWith(MODELS) && n.endsWith(JSON))
            .map(n -> n.substring(MODELS.length(), n.length() - JSON.length()))
            .sorted()
            .toList();
    if (models.isEmpty()) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          zip.label(),
          "",
          "the package holds no exported program, only compiled code or other parts. Give the"
              + " archive that torch.export.save wrote.");
    }
    if (chosen.isEmpty() && models.size() == 1) {
      return models.get(0);
    }
    if (models.contains(chosen)) {
      return chosen;
    }
    throw new ModelFormatException(
        Reason.AMBIGUOUS_ROOT,
        zip.label(),
        "",
        (chosen.isEmpty()
                ? "the archive holds " + models.size() + " models"
                : "the archive holds no model " + quote(chosen))
            + ". Choose an entry: "
            + String.join(", ", models.stream().limit(20).map(m -> quote(m)).toList())
            + ".");
  }

  private Map<TensorInfo, TorchTensor> weights(String model) throws IOException {
    String config = WEIGHTS + model + "_weights_config.json";
    if (zip.find(config).isEmpty() && zip.find(WEIGHTS + model + ".pt").isPresent()) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          zip.label(),
          quote(WEIGHTS + model + ".pt"),
          "its weights are one pickle, as PyTorch before 2.9 wrote them. Load the model with"
              + " torch.export.load and save it again, or save its state dict with torch.save.");
    }
    return new PayloadConfig(zip, WEIGHTS, limits).read(json(config));
  }

  private void noteConstants(String model) throws IOException {
    Optional<ArchiveEntry> config = zip.find(CONSTANTS + model + "_constants_config.json");
    if (config.isEmpty()) {
      return;
    }
    int count = PayloadConfig.names(json(CONSTANTS + model + "_constants_config.json")).size();
    if (count > 0) {
      notes.add(
          "Constants of the graph and buffers that are not persistent, not read as weights: "
              + count
              + (count == 1 ? " tensor." : " tensors."));
    }
  }

  private JsonValue json(String name) throws IOException {
    ArchiveEntry entry = zip.find(name).orElseThrow(() -> zip.missing(name));
    return StrictJson.parse(
        zip.bytes(entry),
        new JsonDialect(
            zip.label(),
            quote(name),
            Reason.HEADER_JSON,
            Reason.HEADER_ENCODING,
            limits.maxDepth(),
            true,
            limits.maxParsedBytes()));
  }
}
