package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.torch.TorchSource;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.model.Layer;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.TimedProgram;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ObservableModel;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.TimedCopy;
import dev.monoquant.spi.TimedModel;
import dev.monoquant.tile.EncodedTile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The source of an archive. */
final class ScriptSource implements ModelSource {

  /**
   * The contents read from an archive.
   *
   * @param tensors its plain tensors in order
   * @param weights its quantized weights in order
   * @param layers the layers it declares
   * @param notes the decisions made
   * @param metadata the texts in the archive
   */
  record Content(
      Map<TensorInfo, TorchTensor> tensors,
      List<HeldWeight> weights,
      List<Layer> layers,
      List<String> notes,
      Map<String, String> metadata) {}

  private final ScriptArchive archive;
  private final Content content;
  private final ScriptPlace place;
  private final HostCopy copy;
  private final ModelInfo info;
  private final TorchSource plain;
  private final Map<EncodedWeight, HeldWeight> held = new LinkedHashMap<>();

  /**
   * Takes ownership of an archive.
   *
   * @param archive closed with this source
   * @param content the contents read from it
   * @param place its location
   * @param behind closed with this source, after the archive
   */
  ScriptSource(
      ScriptArchive archive, Content content, ScriptPlace place, List<? extends Closeable> behind) {
    this.place = place;
    this.copy = new HostCopy(archive);
    List<Closeable> owned = new ArrayList<>(List.of(copy, archive));
    owned.addAll(behind);
    this.archive = archive;
    this.content = content;
    this.plain =
        new TorchSource(
            archive.label(),
            content.tensors(),
            Map.of(),
            content.layers(),
            Stream.concat(content.notes().stream(), place.sides().notes().stream()).toList(),
            place.files(),
            place.sides().files(),
            place.sides().leftOut(),
            owned);
    content.weights().forEach(w -> held.put(w.weight(), w));
    this.info =
        plain.info().withQuantized(List.copyOf(held.keySet())).withMetadata(content.metadata());
  }

  /** {@return the name of the archive in a target directory; empty if the target is the archive} */
  String nameIn(Path target) {
    boolean directory = place.directory().isPresent() && !ScriptPlace.isFile(target);
    return directory ? place.nameIn(target) : "";
  }

  ScriptArchive archive() {
    return archive;
  }

  /** {@return the location of the archive} */
  ScriptPlace place() {
    return place;
  }

  /** {@return the views of the plain tensors, by name} */
  Map<String, TorchTensor> views() {
    Map<String, TorchTensor> views = new LinkedHashMap<>();
    content.tensors().forEach((info, view) -> views.put(info.name(), view));
    return views;
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return plain.read(tensor, offset, length);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    HeldWeight found = held.get(weight);
    if (found == null) {
      throw new IllegalArgumentException(
          info.name() + " holds no quantized weight " + quote(weight.name()));
    }
    plain.requireOpen();
    return found.read(rows);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    if (capability == ScriptSource.class) {
      return Optional.of(capability.cast(this));
    }
    if (capability == RunnableFile.class) {
      return Optional.of(capability.cast(runnable()));
    }
    if (capability == ObservableModel.class) {
      return archive.isRewritten()
          ? Optional.empty()
          : Optional.of(capability.cast(new ObservableScript(archive, info.layers())));
    }
    if (capability == TimedModel.class) {
      return archive.isRewritten()
          ? Optional.of(capability.cast((TimedModel) this::timed))
          : Optional.empty();
    }
    return capability == Auditable.class
        ? ArchiveAudit.of(archive.zip()).map(capability::cast)
        : Optional.empty();
  }

  private Optional<TimedCopy> timed(Path file) throws IOException {
    List<String> names = content.weights().stream().map(w -> w.weight().name()).toList();
    TimedProgram program = TimedProgram.of(archive.program(), names);
    TimedArchive.write(archive.zip(), program.code(), file);
    return Optional.of(new TimedCopy(TimedProgram.WAYS, program.weights()));
  }

  private RunnableFile runnable() {
    boolean moved = archive.moved().isPresent();
    return new RunnableFile(
        () -> moved ? copy.file() : archive.path(),
        archive.script().methods(),
        archive::notComputing);
  }

  @Override
  public void close() {
    plain.close();
  }
}
