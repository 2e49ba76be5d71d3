package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.Problem;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** The source of a model in files: plain tensors, and quantized weights made of stored tensors. */
public final class FileSource implements ModelSource {

  private final ModelFiles files;
  private final ModelInfo info;
  private final Map<String, WeightLayout> layouts = new HashMap<>();
  private final Function<ModelInfo, List<Problem>> faults;

  /**
   * Makes the source of an open model and takes ownership of it.
   *
   * @param files the model; closed with this source
   * @param quantized its quantized weights, in order, and their layouts in its tensors
   * @param parts the names of the tensors that the quantized weights are made of
   * @param described the names of side files that describe the quantized weights; outputs do not
   *     copy them
   * @param notes decisions besides those noted by the files, see {@link ModelInfo#notes()}
   * @param faults computes the additional findings of an audit from this description
   */
  public FileSource(
      ModelFiles files,
      Map<EncodedWeight, ? extends WeightLayout> quantized,
      Set<String> parts,
      Set<String> described,
      List<String> notes,
      Function<ModelInfo, List<Problem>> faults) {
    this.files = files;
    this.faults = faults;
    List<TensorInfo> plain =
        files.tensors().values().stream()
            .map(ModelFiles.Located::info)
            .filter(t -> !parts.contains(t.name()))
            .toList();
    this.info =
        ModelInfo.of(files.name(), plain)
            .withQuantized(List.copyOf(quantized.keySet()))
            .withMetadata(files.metadata())
            .withNotes(Stream.concat(files.notes().stream(), notes.stream()).toList())
            .withSideFiles(
                files.sideFiles().stream()
                    .filter(side -> !described.contains(side.name()))
                    .toList())
            .withLeftOut(files.leftOut())
            .withFiles(files.paths());
    quantized.forEach((weight, layout) -> layouts.put(weight.name(), layout));
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return files.read(tensor.name(), offset, length);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    WeightLayout layout = layouts.get(weight.name());
    if (layout == null) {
      throw new IllegalArgumentException(
          info.name() + " holds no quantized weight " + quote(weight.name()));
    }
    return layout.read(rows, this::read);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return FileAudit.of(files)
        .map(audit -> (Auditable) () -> withFaults(audit.audit()))
        .filter(capability::isInstance)
        .map(capability::cast);
  }

  private Audit withFaults(Audit audit) {
    List<Problem> differences = new ArrayList<>(audit.differences());
    differences.addAll(faults.apply(info));
    return new Audit(
        audit.made(),
        audit.hashKind(),
        audit.inputs(),
        audit.checked(),
        audit.bytes(),
        differences);
  }

  @Override
  public void close() {
    try {
      files.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
