package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The plan of a model directory: its tensors and files. Immutable. */
final class DirectoryPlan implements OutputLayout {

  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  private static final String OURS = "monoquant.";

  /** Starts to write a plan. */
  interface Opening {
    OutputWriter open(DirectoryPlan plan, OutputJob job) throws IOException;
  }

  private final ModelSource source;
  private final OutputContents contents;
  private final Opening opening;
  private final Map<String, SafetensorsLayout> shards = new TreeMap<>(JsonText.BY_CODE_POINT);
  private final DirectoryFormat format;
  private final boolean isOneFile;

  /** The weights by name; their layouts are made when they are needed, as there are many. */
  private final Map<String, EncodedWeight> weights = new HashMap<>();

  private final Map<String, Set<String>> origins = new TreeMap<>();
  private final Map<TensorInfo, byte[]> scales;
  private final Map<String, String> run = new TreeMap<>();
  private final List<SideFile> copies;
  private final Optional<byte[]> config;
  private final Map<String, byte[]> files;

  DirectoryPlan(
      ModelSource source, OutputContents contents, DirectoryFormat format, Opening opening)
      throws IOException {
    this.source = source;
    this.contents = contents;
    this.format = format;
    this.opening = opening;
    contents.weights().forEach(w -> weights.put(w.name(), w));
    List<TensorInfo> all = new ArrayList<>(contents.kept());
    contents.weights().forEach(w -> all.addAll(format.layout(w).tensors()));
    this.scales = format.added(contents);
    all.addAll(scales.keySet());
    requireUnique(all);
    Set<String> sources = new TreeSet<>();
    all.forEach(tensor -> sources.add(tensor.shard()));
    this.isOneFile = sources.size() <= 1;
    Map<String, List<TensorInfo>> byShard = new TreeMap<>();
    if (sources.isEmpty()) {
      byShard.put(SINGLE, List.of());
    }
    for (TensorInfo tensor : all) {
      String shard = shardOf(tensor);
      byShard.computeIfAbsent(shard, s -> new ArrayList<>()).add(tensor);
      origins.computeIfAbsent(shard, s -> new TreeSet<>()).add(tensor.shard());
    }
    if (sources.size() > 1 && byShard.size() != sources.size()) {
      throw refusal(
          "shards " + sources,
          "they would get the same names in the output",
          "Rename one of them.");
    }
    Map<String, String> metadata = metadata();
    byShard.forEach((shard, list) -> shards.put(shard, new SafetensorsLayout(list, metadata)));
    this.config = ConfigWriter.write(source, contents, format);
    this.files = copiesOfConfig();
    this.copies = sideFiles();
    run.putAll(ProvenanceText.of(contents));
  }

  private static void requireUnique(List<TensorInfo> all) {
    Set<String> names = new HashSet<>();
    for (TensorInfo tensor : all) {
      if (!names.add(tensor.name())) {
        throw refusal(
            "tensor " + quote(tensor.name()),
            "two tensors of the output would have this name",
            "Exclude the layer or choose another format.");
      }
    }
  }

  private static PlanException refusal(String subject, String message, String remedy) {
    return new PlanException(List.of(Problem.error(subject, message, remedy)));
  }

  /** {@return tensors that are not in the input, and their bytes} */
  Map<TensorInfo, byte[]> scales() {
    return scales;
  }

  /** {@return for each shard, the shards of the input with its tensors} */
  Map<String, Set<String>> origins() {
    return origins;
  }

  /** {@return the texts that identify a run with this plan} */
  Map<String, String> run() {
    Map<String, String> all = new TreeMap<>(run);
    shards.forEach((shard, layout) -> all.put("the layout of " + shard, layout.headerHash()));
    return all;
  }

  /** A shard keeps its name; a shard of another format gets the suffix of safetensors. */
  private static String outputName(String shard) {
    if (shard.isEmpty()) {
      return SINGLE;
    }
    if (shard.endsWith(".safetensors")) {
      return shard;
    }
    int dot = shard.lastIndexOf('.');
    String stem = dot > shard.lastIndexOf('/') ? shard.substring(0, dot) : shard;
    return stem.replaceFirst("(^|/)pytorch_model", "$1model") + ".safetensors";
  }

  private Map<String, String> metadata() {
    Map<String, String> texts = new TreeMap<>();
    source
        .info()
        .metadata()
        .forEach(
            (key, value) -> {
              if (!key.startsWith(OURS)) {
                texts.put(key, value);
              }
            });
    texts.putIfAbsent("format", "pt");
    texts.putAll(ProvenanceText.of(contents));
    return texts;
  }

  private JsonValue.Obj root() {
    return config
        .map(bytes -> ConfigWriter.parse(bytes, ModelConfig.FILE))
        .orElse(new JsonValue.Obj(Map.of()));
  }

  private Map<String, byte[]> copiesOfConfig() {
    Map<String, byte[]> files = new TreeMap<>();
    ModelConfig.quantization(root())
        .ifPresent(
            quantization ->
                format
                    .files(quantization)
                    .forEach(
                        (name, json) ->
                            files.put(
                                name, JsonText.pretty(json).getBytes(StandardCharsets.UTF_8))));
    return files;
  }

  private List<SideFile> sideFiles() {
    List<SideFile> copies = new ArrayList<>();
    Set<String> taken = new HashSet<>(shards.keySet());
    taken.add(Manifest.FILE);
    taken.addAll(files.keySet());
    if (isSharded()) {
      taken.add(INDEX);
    }
    for (SideFile side : source.info().sideFiles()) {
      if (!taken.add(side.name())) {
        throw refusal(
            "side file " + quote(side.name()),
            "a file of the output would have this name too",
            "Rename or remove it.");
      }
      if (!side.name().equals(ModelConfig.FILE)) {
        copies.add(side);
      }
    }
    return copies;
  }

  boolean isSharded() {
    return shards.size() > 1;
  }

  /** {@return the layouts by file name} */
  Map<String, SafetensorsLayout> shards() {
    return shards;
  }

  @Override
  public List<String> warnings() {
    return format.warnings(contents.weights());
  }

  @Override
  public List<String> notes() {
    List<String> notes = new ArrayList<>(format.notes(root(), contents));
    long matrices =
        source.find(LoaderView.class).map(view -> view.matrices(weights.keySet())).orElse(0L);
    if (matrices > 0) {
      notes.add(
          "tensors that hold all experts of a layer are written as "
              + matrices
              + " matrices, one for each expert and projection, as loaders expect them");
    }
    if (!copies.isEmpty()) {
      notes.add("carried over: " + SideFiles.described(copies));
    }
    List<SideFile> tensors =
        copies.stream().filter(side -> side.name().endsWith(".safetensors")).toList();
    if (!tensors.isEmpty()) {
      notes.add(
          "carried over unquantized, as other parts of the model: " + SideFiles.described(tensors));
    }
    return notes;
  }

  @Override
  public List<BesideFile> beside(Path target) {
    Map<String, BesideFile> made = new TreeMap<>(JsonText.BY_CODE_POINT);
    copies.forEach(side -> made.put(side.name(), BesideFile.carried(side)));
    config.ifPresent(
        bytes -> made.put(ModelConfig.FILE, BesideFile.made(ModelConfig.FILE, bytes.length)));
    files.forEach((name, bytes) -> made.put(name, BesideFile.made(name, bytes.length)));
    if (isSharded()) {
      made.put(INDEX, BesideFile.made(INDEX, index().utf8Length()));
    }
    List<String> inputs = Manifest.inputNames(contents, source.info().files());
    Stream<String> tensors =
        shards.values().stream()
            .flatMap(layout -> layout.tensors().stream())
            .map(StoredTensor::name);
    long size = Manifest.size(contents, inputs, made.keySet(), shards.keySet(), tensors);
    made.put(Manifest.FILE, BesideFile.made(Manifest.FILE, size));
    return List.copyOf(made.values());
  }

  /** {@return the configuration with its quantization; empty if the model has none} */
  Optional<byte[]> config() {
    return config;
  }

  /** {@return the files that repeat the configuration, by name} */
  Map<String, byte[]> files() {
    return files;
  }

  /** {@return the side files to copy, without config.json} */
  List<SideFile> copies() {
    return copies;
  }

  DirectoryFormat format() {
    return format;
  }

  WeightLayout layout(EncodedWeight weight) {
    EncodedWeight planned = weights.get(weight.name());
    if (planned == null) {
      throw new IllegalArgumentException("no weight " + quote(weight.name()) + " was announced");
    }
    return format.layout(planned);
  }

  /**
   * {@return the output shard of an unquantized tensor, or of a weight, by its name in the input}
   */
  String shardOfInput(String name) {
    EncodedWeight weight = weights.get(name);
    return weight == null ? shardOf(name) : shardOf(format.layout(weight).tensors().get(0));
  }

  /** {@return the output shard of a tensor that is written} */
  String shardOf(TensorInfo tensor) {
    return isOneFile ? SINGLE : outputName(tensor.shard());
  }

  /** {@return the output shard of a tensor by its name in the output} */
  String shardOf(String tensor) {
    return shards.entrySet().stream()
        .filter(shard -> shard.getValue().find(tensor).isPresent())
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("no tensor " + quote(tensor) + " was announced"));
  }

  @Override
  public long bytes() {
    return shards.values().stream().mapToLong(SafetensorsLayout::fileBytes).sum();
  }

  @Override
  public List<Place> places(String name) {
    EncodedWeight weight = weights.get(name);
    if (weight == null) {
      return List.of(place(shardOf(name), name));
    }
    return format.layout(weight).tensors().stream()
        .map(tensor -> place(shardOf(tensor), tensor.name()))
        .toList();
  }

  private Place place(String shard, String tensor) {
    SafetensorsLayout file = requireNonNull(shards.get(shard));
    StoredTensor stored = file.tensor(tensor);
    return new Place(shard, file.headerLength() + stored.begin(), stored.bytes());
  }

  @Override
  public OutputWriter open(WriteOptions options) throws IOException {
    return opening.open(this, new OutputJob(source, contents, options));
  }

  TextPieces index() {
    long total = shards.values().stream().mapToLong(SafetensorsLayout::dataBytes).sum();
    Map<String, String> map = new TreeMap<>(JsonText.BY_CODE_POINT);
    shards.forEach(
        (name, layout) -> layout.tensors().forEach(tensor -> map.put(tensor.name(), name)));
    return JsonText.prettyObject(
        index -> {
          index.object(
              "metadata", metadata -> metadata.value("total_size", JsonValue.Num.of(total)));
          index.object("weight_map", tensors -> map.forEach(tensors::text));
        });
  }
}
