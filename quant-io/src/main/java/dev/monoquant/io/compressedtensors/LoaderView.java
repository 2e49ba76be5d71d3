package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model as those who load a directory of compressed-tensors see it: with the families of {@link
 * FusedLayers}, and heads that are tied to the embedding.
 */
final class LoaderView implements ModelSource {

  private final ModelSource inside;
  private final ModelInfo info;

  private LoaderView(ModelSource inside, ModelInfo info) {
    this.inside = inside;
    this.info = info;
  }

  static LoaderView of(ModelSource inside) throws IOException {
    ModelInfo info = LoaderInput.of(inside.info());
    List<TensorInfo> tensors = new ArrayList<>(info.tensors());
    info.quantized().forEach(w -> tensors.add(w.rows().tensor()));
    List<String> notes = new ArrayList<>(info.notes());
    notes.addAll(InitFromWeights.warnings(ModelConfig.of(info)));
    for (Map.Entry<String, TensorInfo> head :
        HeldHeads.of(inside, ModelConfig.of(info)).entrySet()) {
      head(inside, head.getKey(), head.getValue()).ifPresent(notes::add);
    }
    return new LoaderView(inside, info.withFamilies(FusedLayers.of(tensors)).withNotes(notes));
  }

  /** What is lost of a head that is not the embedding it is tied to. */
  private static Optional<String> head(ModelSource source, String name, TensorInfo embedding)
      throws IOException {
    Optional<TensorInfo> head =
        source.info().tensors().stream().filter(t -> t.name().equals(name)).findFirst();
    return HeldHeads.same(source, head.orElseThrow(), embedding)
        ? Optional.empty()
        : Optional.of(
            "the head "
                + quote(name)
                + " differs from "
                + quote(embedding.name())
                + ", and config.json ties them (tie_word_embeddings): loaders use the embedding and"
                + " not this head. If the head is meant, set tie_word_embeddings to false");
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return inside.read(tensor, offset, length);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    inside.readRows(matrix, rows, into);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    return inside.readTile(weight, rows);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return inside.find(capability);
  }

  @Override
  public void close() {
    inside.close();
  }
}
