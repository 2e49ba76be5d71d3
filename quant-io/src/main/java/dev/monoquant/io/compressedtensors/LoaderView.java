package dev.monoquant.io.compressedtensors;

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
import java.util.Optional;

/** A model as those who load a directory of compressed-tensors see it. */
final class LoaderView implements ModelSource {

  private final ModelSource inside;
  private final ModelInfo info;

  LoaderView(ModelSource inside) {
    this.inside = inside;
    ModelInfo info = inside.info();
    List<TensorInfo> tensors = new ArrayList<>(info.tensors());
    info.quantized().forEach(w -> tensors.add(w.rows().tensor()));
    this.info = info.withFamilies(FusedLayers.of(tensors));
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
