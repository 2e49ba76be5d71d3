package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.DirectoryChoices;
import dev.monoquant.files.model.ModelDirectory;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.safetensors.ShardIndex;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Finds and opens the checkpoint in a directory: {@code pytorch_model.bin}, or shards with {@code
 * pytorch_model.bin.index.json}, with the same rules as safetensors shards.
 */
final class CheckpointDirectory {

  private static final String SINGLE = "pytorch_model.bin";
  private static final String INDEX = SINGLE + ".index.json";
  private static final String INDEX_SUFFIX = ".bin.index.json";
  private static final String SHARD = "pytorch_model-\\d+-of-\\d+\\.bin";

  private CheckpointDirectory() {}

  /** {@return whether a path is the index of a sharded checkpoint} */
  static boolean isIndex(Path path) {
    return path.getFileName() != null
        && path.getFileName().toString().endsWith(INDEX_SUFFIX)
        && Files.isRegularFile(path);
  }

  /** {@return whether a directory holds a checkpoint and no safetensors, which take precedence} */
  static boolean fits(Path directory) {
    try {
      Set<String> names = names(directory);
      return names.stream().anyMatch(n -> n.equals(SINGLE) || n.equals(INDEX) || n.matches(SHARD))
          && names.stream().noneMatch(n -> n.contains(".safetensors"));
    } catch (IOException | SecurityException unreadable) {
      return false;
    }
  }

  private static Set<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      TreeSet<String> names = new TreeSet<>();
      entries.forEach(p -> names.add(p.getFileName().toString()));
      return names;
    }
  }

  static ModelSource open(Path path, ReadChoices choices, ReadLimits limits) throws IOException {
    if (isIndex(path)) {
      String label = path.getParent() == null ? "." : path.getParent().toString();
      return sharded(
          ModelDirectory.root(path), label, path.getFileName().toString(), choices, limits);
    }
    Set<String> names = names(path);
    boolean index = names.contains(INDEX);
    boolean single = names.contains(SINGLE);
    if (index && single) {
      throw new ModelFormatException(
          Reason.AMBIGUOUS_ROOT,
          path.toString(),
          "",
          "there are both " + INDEX + " and " + SINGLE + ". Give the file that you mean.");
    }
    if (index) {
      return sharded(path, path.toString(), INDEX, choices, limits);
    }
    if (single) {
      return single(path, choices, limits);
    }
    throw new ModelFormatException(
        Reason.INDEX_MISSING,
        path.toString(),
        "",
        "there are shards, but no "
            + INDEX
            + " that tells whether they are all. Fetch the index too.");
  }

  private static ModelSource single(Path root, ReadChoices choices, ReadLimits limits)
      throws IOException {
    CheckpointReader reader = new CheckpointReader(root.toString(), choices, limits);
    try {
      Path file = root.resolve(SINGLE);
      reader.add(file, file.toString(), SINGLE);
      return reader.source(
          SideFiles.find(root, Set.copyOf(reader.paths()), DirectoryChoices.DEFAULT.sideFiles()));
    } catch (IOException | RuntimeException | Error e) {
      reader.abandon();
      throw e;
    }
  }

  private static ModelSource sharded(
      Path root, String label, String indexName, ReadChoices choices, ReadLimits limits)
      throws IOException {
    Path indexPath = root.resolve(indexName);
    ShardIndex index = ShardIndex.read(indexPath, label + "/" + indexName, limits);
    index.requireFiles(root);
    CheckpointReader reader = new CheckpointReader(label, choices, limits);
    try {
      reader.addPath(indexPath);
      Map<String, Map<String, Long>> sizes = new LinkedHashMap<>();
      for (String shard : new TreeSet<>(index.shards())) {
        String name = label + "/" + shard + " (shard of " + quote(indexName) + ")";
        sizes.put(shard, reader.add(root.resolve(shard), name, shard));
      }
      reader.addNotes(index.compare(sizes));
      List<Path> own = List.copyOf(reader.paths());
      return reader.source(
          SideFiles.find(root, Set.copyOf(own), DirectoryChoices.DEFAULT.sideFiles()));
    } catch (IOException | RuntimeException | Error e) {
      reader.abandon();
      throw e;
    }
  }
}
