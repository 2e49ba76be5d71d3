package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.ShardIndex;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds and opens the model in a directory: {@code model.safetensors}, or shards with their index.
 *
 * <p>The choice of the model file must be unambiguous, and index and shards must agree on every
 * tensor. A directory that could be read as an incomplete model, or as another model by another
 * reader, is refused. A wrong total size in the index only gives a warning, because published
 * models have wrong sizes.
 */
public final class ModelDirectory {

  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final Pattern SHARD = Pattern.compile(".*-(\\d+)-of-(\\d+)\\.safetensors");
  private static final Pattern TORCH = Pattern.compile(".*\\.(bin|pt|pth|ckpt)(\\.index\\.json)?");

  private static final String PIPELINE = "model_index.json";

  /** The file names of other programs' models. */
  private static final Map<String, Pattern> OTHERS =
      new TreeMap<>(
          Map.of(
              "llama.cpp before GGUF", Pattern.compile("(?i).*\\.ggml"),
              "ONNX", Pattern.compile("(?i)onnx|.*\\.onnx"),
              "OpenVINO", Pattern.compile("(?i)openvino.*|openvino_.*\\.xml"),
              "TensorFlow",
                  Pattern.compile("(?i)tf_model.*\\.h5|saved_model\\.pb|.*\\.(tflite|keras)"),
              "Flax", Pattern.compile("(?i)flax_model.*\\.msgpack"),
              "Core ML", Pattern.compile("(?i)coreml|.*\\.(mlmodel|mlpackage)"),
              "TensorRT", Pattern.compile("(?i).*\\.(engine|plan)"),
              "Rust", Pattern.compile("(?i)rust_model\\.ot")));

  private static final Pattern GGUF = Pattern.compile("(?i).*\\.gguf");

  private final Path root;
  private final String label;
  private final ReadLimits limits;
  private final DirectoryChoices choices;
  private final TreeSet<String> names = new TreeSet<>();

  private ModelDirectory(Path root, String label, ReadLimits limits, DirectoryChoices choices)
      throws IOException {
    this.choices = choices;
    this.root = root;
    this.label = label;
    this.limits = limits;
    try (Stream<Path> entries = Files.list(root)) {
      entries.forEach(p -> names.add(p.getFileName().toString()));
    }
  }

  /**
   * {@return whether a path is a directory or an index of shards}
   *
   * @param path any path
   */
  public static boolean fits(Path path) {
    return Files.isDirectory(path)
        || (path.getFileName() != null
            && path.getFileName().toString().endsWith(ShardIndex.SUFFIX)
            && Files.isRegularFile(path));
  }

  /**
   * {@return the directory: the path itself, or the one that holds the index}
   *
   * @param path a path that fits
   */
  public static Path root(Path path) {
    return Files.isDirectory(path) ? path : Locations.folder(path);
  }

  /**
   * Opens a model.
   *
   * @param path a directory, or the index in it
   * @param limits bounds on sizes and counts read from untrusted input
   * @param choices how to read a model with several possible contents
   * @return the open model; the caller closes it
   * @throws IOException if a file cannot be read
   * @throws ModelFormatException if there is no model, more than one model, or a faulty model
   */
  public static ModelFiles open(Path path, ReadLimits limits, DirectoryChoices choices)
      throws IOException {
    if (Files.isDirectory(path)) {
      ModelDirectory directory = new ModelDirectory(path, path.toString(), limits, choices);
      Optional<String> index = directory.index();
      return index.isPresent()
          ? directory.sharded(index.get())
          : directory.single(directory.onlyFile());
    }
    Path parent = root(path);
    String label = path.getParent() == null ? "." : path.getParent().toString();
    return new ModelDirectory(parent, label, limits, choices)
        .sharded(path.getFileName().toString());
  }

  private Optional<String> index() {
    List<String> all = names.stream().filter(n -> n.endsWith(ShardIndex.SUFFIX)).toList();
    if (all.isEmpty()) {
      return Optional.empty();
    }
    String chosen = all.contains(INDEX) ? INDEX : all.get(0);
    String single =
        chosen.substring(0, chosen.length() - ShardIndex.SUFFIX.length()) + ".safetensors";
    if (names.contains(single)) {
      throw ambiguous(chosen, single);
    }
    if (!chosen.equals(INDEX) && (all.size() > 1 || names.contains(SINGLE))) {
      throw ambiguous(chosen, all.size() > 1 ? all.get(1) : SINGLE);
    }
    return Optional.of(chosen);
  }

  private String onlyFile() {
    if (names.contains(SINGLE)) {
      return SINGLE;
    }
    List<String> files =
        names.stream().filter(n -> n.endsWith(".safetensors") && !isVariant(n)).toList();
    for (String file : files) {
      var shard = SHARD.matcher(file);
      if (shard.matches() && !shard.group(2).matches("0*1")) {
        throw new ModelFormatException(
            Reason.INDEX_MISSING,
            label,
            quote(file),
            "is one of several shards, but there is no index (such as "
                + INDEX
                + "), so it is unknown whether the model is complete. Fetch the index too.");
      }
    }
    if (files.size() > 1) {
      throw ambiguous(files.get(0), files.get(1));
    }
    if (files.isEmpty()) {
      throw nothing();
    }
    return files.get(0);
  }

  /**
   * Whether a file is a variant, such as {@code model.fp16.safetensors} beside {@code
   * model.safetensors}.
   */
  private boolean isVariant(String name) {
    String stem = name.substring(0, name.length() - ".safetensors".length());
    int dot = stem.lastIndexOf('.');
    return dot > 0 && names.contains(stem.substring(0, dot) + ".safetensors");
  }

  private ModelFormatException ambiguous(String one, String other) {
    return new ModelFormatException(
        Reason.AMBIGUOUS_ROOT,
        label,
        "",
        "holds both "
            + quote(one)
            + " and "
            + quote(other)
            + ", which may be two models. Name the one you mean, or remove the other.");
  }

  private ModelFormatException nothing() {
    Optional<String> torch = names.stream().filter(n -> TORCH.matcher(n).matches()).findFirst();
    if (torch.isPresent() && !names.contains(PIPELINE)) {
      return new ModelFormatException(
          Reason.NOT_THIS_FORMAT,
          label,
          quote(torch.get()),
          "is a PyTorch checkpoint, and there are no safetensors files. Fetch the safetensors"
              + " version of the model, or give the checkpoint file itself as the input.");
    }
    return new ModelFormatException(
        Reason.NO_TENSORS,
        label,
        "",
        "holds no tensor file, such as "
            + SINGLE
            + " or "
            + INDEX
            + " with its shards. "
            + instead());
  }

  /** The remedy, depending on the files in the directory. */
  private String instead() {
    if (names.contains(PIPELINE)) {
      List<String> parts =
          names.stream().filter(n -> holdsTensors(root.resolve(n))).sorted().toList();
      return "It is a diffusers pipeline ("
          + PIPELINE
          + "). Name one of its parts"
          + (parts.isEmpty() ? "." : ": " + String.join(", ", parts) + ".");
    }
    Optional<String> gguf =
        names.stream().filter(n -> GGUF.matcher(n).matches()).min(Comparator.naturalOrder());
    if (gguf.isPresent()) {
      return "A GGUF file is an input of its own, of a split model any part: give "
          + quote(label + "/" + gguf.get())
          + " instead of the directory.";
    }
    for (Map.Entry<String, Pattern> other : OTHERS.entrySet()) {
      Optional<String> found =
          names.stream().filter(n -> other.getValue().matcher(n).matches()).findFirst();
      if (found.isPresent()) {
        return quote(found.get())
            + " is of "
            + other.getKey()
            + ", which is not read. Fetch the version of the model with safetensors files.";
      }
    }
    return "Name the directory that does.";
  }

  private static boolean holdsTensors(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.anyMatch(f -> f.toString().endsWith(".safetensors"));
    } catch (IOException | SecurityException unreadable) {
      return false;
    }
  }

  private String labelOf(String name) {
    return label + "/" + name;
  }

  private ModelFiles single(String name) throws IOException {
    Path path = root.resolve(name);
    SafetensorsFile file = SafetensorsFile.open(path, labelOf(name), limits);
    ShardIndex.Chosen all = new ShardIndex.Chosen(Map.of(), List.of());
    return assemble(new TreeMap<>(Map.of(name, file)), List.of(path), all);
  }

  private ModelFiles sharded(String indexName) throws IOException {
    Path indexPath = root.resolve(indexName);
    ShardIndex index = ShardIndex.read(indexPath, labelOf(indexName), limits);
    boolean trustShards = choices.index().equals(DirectoryChoices.SHARDS);
    if (!trustShards) {
      index.requireFiles(root);
    }
    Set<String> shards = trustShards ? shardsThatAreThere(index) : index.shards();
    Map<String, SafetensorsFile> open = new LinkedHashMap<>();
    List<Path> paths = new ArrayList<>(List.of(indexPath));
    try {
      for (String shard : new TreeSet<>(shards)) {
        Path path = root.resolve(shard);
        String name = labelOf(shard) + " (shard of " + indexName + ")";
        open.put(shard, SafetensorsFile.open(path, name, limits));
        paths.add(path);
      }
      Map<String, Map<String, Long>> sizes = new LinkedHashMap<>();
      open.forEach(
          (shard, file) -> {
            Map<String, Long> tensors = new LinkedHashMap<>();
            file.tensors().forEach(t -> tensors.put(t.name(), t.bytes()));
            sizes.put(shard, tensors);
          });
      ShardIndex.Chosen chosen =
          trustShards
              ? index.chosenByShards(sizes)
              : choices.index().equals(DirectoryChoices.INDEX)
                  ? index.chosenByIndex(sizes)
                  : new ShardIndex.Chosen(index.shardOf(), index.compare(sizes));
      return assemble(open, paths, chosen);
    } catch (IOException | RuntimeException | Error e) {
      Closing.all(open.values());
      throw e;
    }
  }

  /** The existing shards: those in the index and those with names of shards. */
  private Set<String> shardsThatAreThere(ShardIndex index) {
    Set<String> shards = new TreeSet<>();
    for (String name : names) {
      if (SHARD.matcher(name).matches()) {
        shards.add(name);
      }
    }
    for (String name : index.shards()) {
      if (Files.isRegularFile(root.resolve(name))) {
        shards.add(name);
      }
    }
    if (shards.isEmpty()) {
      throw nothing();
    }
    return shards;
  }

  private ModelFiles assemble(
      Map<String, SafetensorsFile> open, List<Path> tensorFiles, ShardIndex.Chosen chosen)
      throws IOException {
    List<Path> paths = new ArrayList<>(tensorFiles);
    Set<Path> own = new LinkedHashSet<>(tensorFiles);
    SideFiles sides = SideFiles.find(root, own, choices.sideFiles());
    sides.files().forEach(s -> paths.add(s.path()));
    List<String> notes = new ArrayList<>(chosen.notes());
    notes.addAll(sides.notes());
    return new ModelFiles(
        label, open, paths, new SideFiles(sides.files(), sides.leftOut(), notes), chosen.shardOf());
  }

  /**
   * {@return a file of a directory; empty if it does not exist or is a directory}
   *
   * @param root the directory
   * @param name the name of the file
   */
  public static Optional<Path> file(Path root, String name) {
    Path path = root.resolve(name);
    return Files.isRegularFile(path) && !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
        ? Optional.of(path)
        : Optional.empty();
  }
}
