package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.model.ModelPart;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.files.model.WrapperNames;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.torch.QuantizedTensor;
import dev.monoquant.files.torch.SharedTensors;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.TorchSource;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Builds the source of a checkpoint in one file or in shards. */
final class CheckpointReader {

  private final String label;
  private final ReadChoices choices;
  private final ReadLimits limits;
  private final List<CheckpointFile> open = new ArrayList<>();
  private final List<Path> paths = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /** A plain or quantized tensor and its shard. */
  private record Held(
      Optional<TorchTensor> plain, Optional<QuantizedTensor> quantized, String shard) {

    long bytes() {
      return plain.isPresent()
          ? new TensorInfo("", plain.get().type(), plain.get().shape()).bytes()
          : quantized.orElseThrow().shape().elements();
    }
  }

  private final Map<String, Held> tensors = new LinkedHashMap<>();

  CheckpointReader(String label, ReadChoices choices, ReadLimits limits) {
    this.label = label;
    this.choices = choices;
    this.limits = limits;
  }

  /** Reads a model of one file. */
  static ModelSource single(Path path, String label, ReadChoices choices, ReadLimits limits)
      throws IOException {
    CheckpointReader reader = new CheckpointReader(label, choices, limits);
    try {
      reader.add(path, label, "");
      return reader.source(ModelPart.beside(path));
    } catch (IOException | RuntimeException | Error e) {
      reader.abandon();
      throw e;
    }
  }

  /**
   * Opens a file and adds its tensors.
   *
   * @param path the file
   * @param file its name for messages
   * @param shard its name in the directory; empty if it is the whole model
   * @return the size in bytes of each of its tensors, by name
   */
  Map<String, Long> add(Path path, String file, String shard) throws IOException {
    CheckpointFile checkpoint = CheckpointFile.open(path, file, limits);
    open.add(checkpoint);
    paths.add(path);
    StateChoice.Chosen chosen = StateChoice.choose(file, checkpoint.contents(), choices.entry());
    List<String> decided = new ArrayList<>(chosen.notes());
    checkpoint.objects().requireSkipped(chosen.skipped()).ifPresent(decided::add);
    decided.forEach(n -> notes.add(shard.isEmpty() ? n : shard + ": " + n));
    Map<String, Long> sizes = new LinkedHashMap<>();
    for (Map.Entry<String, StateWalk.Found> entry : chosen.tensors().entrySet()) {
      String name = entry.getKey();
      requireShort(name, file);
      PickleObject object = entry.getValue().object();
      Optional<QuantizedTensor> quantized = checkpoint.reader().readQuantized(object, name);
      Optional<TorchTensor> plain =
          quantized.isPresent()
              ? Optional.empty()
              : Optional.of(checkpoint.reader().read(object, name));
      Held held = new Held(plain, quantized, shard);
      tensors.putIfAbsent(name, held);
      sizes.put(name, held.bytes());
    }
    return sizes;
  }

  private void requireShort(String name, String file) {
    if (name.length() > limits.maxNameLength()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file,
          "tensor " + quote(name),
          "its name has "
              + name.length()
              + " characters, at most "
              + limits.maxNameLength()
              + " are read (limit maxNameLength). Raise the limit if the file can be trusted.");
    }
  }

  /** Adds a file that is read but holds no tensors: the index. */
  void addPath(Path path) {
    paths.add(path);
  }

  /** Adds notes about the model as a whole. */
  void addNotes(List<String> more) {
    notes.addAll(more);
  }

  /** {@return the files added so far} */
  List<Path> paths() {
    return paths;
  }

  /** {@return the source, which then owns the open files} */
  ModelSource source(SideFiles sides) throws IOException {
    Map<String, Held> named = new LinkedHashMap<>(tensors);
    if (choices.stripPrefixes().orElse(false)) {
      named.clear();
      WrapperNames.strip(tensors.keySet(), notes)
          .forEach((name, own) -> named.put(own, requireNonNull(tensors.get(name))));
    }
    Map<TensorInfo, TorchTensor> infos = new LinkedHashMap<>();
    Map<EncodedWeight, QuantizedTensor> weights = new LinkedHashMap<>();
    named.forEach(
        (name, held) -> {
          held.plain()
              .ifPresent(
                  t -> infos.put(new TensorInfo(name, t.type(), t.shape(), held.shard()), t));
          held.quantized().ifPresent(q -> weights.put(q.weight(name, held.shard()), q));
        });
    notes.addAll(SharedTensors.notes(infos));
    notes.addAll(sides.notes());
    ModelSource source =
        new TorchSource(
            label, infos, weights, List.of(), notes, paths, sides.files(), sides.leftOut(), open);
    return TrainedModel.of(source, false, choices.fold().orElse(false));
  }

  /** Closes the open files after a failure; the caller rethrows it. */
  void abandon() throws IOException {
    Closing.all(open);
  }
}
