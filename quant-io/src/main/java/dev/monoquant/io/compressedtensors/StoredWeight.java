package dev.monoquant.io.compressedtensors;

import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.List;
import java.util.function.Function;

/**
 * Reads and writes a weight in the tensors of a module M; the subclasses implement the {@link
 * Form}s. Tensor names are M and one of the names below; the tensor with the codes comes first.
 *
 * <p>E8M0 scales are U8 in files of compressed-tensors.
 */
abstract sealed class StoredWeight implements WeightLayout
    permits PackQuantized, CellQuantized, Nvfp4PackQuantized, MxQuantized {

  static final String CODES = "weight";
  static final String PACKED = "weight_packed";
  static final String SCALE = "weight_scale";
  static final String SHAPE = "weight_shape";
  static final String ZERO_POINT = "weight_zero_point";
  static final String GLOBAL_SCALE = "weight_global_scale";
  static final String GROUP_INDEX = "weight_g_idx";

  private final EncodedWeight weight;
  private final TensorPerPart parts;

  /**
   * Builds the layout of a weight.
   *
   * @param weight the weight of a module
   * @param storage the storage of each part, with the local name of the tensor
   */
  StoredWeight(EncodedWeight weight, Function<Part, Storage> storage) {
    this.weight = weight;
    this.parts =
        new TensorPerPart(
            weight.matrix(),
            weight.encoding(),
            part -> {
              Storage local = storage.apply(part);
              return new Storage(name(local.tensor()), local.packing(), local.order());
            });
  }

  final EncodedWeight weight() {
    return weight;
  }

  /** {@return the full name of a tensor of the module} */
  final String name(String local) {
    return weight.matrix().layer() + "." + local;
  }

  /** {@return the tensor that holds a part} */
  final TensorInfo tensor(String part) {
    return stored(parts.tensor(part));
  }

  @Override
  public List<TensorInfo> tensors() {
    return parts.tensors().stream().map(StoredWeight::stored).toList();
  }

  @Override
  public Writer writer(Sink sink) {
    return parts.writer((tensor, offset, data) -> sink.write(stored(tensor), offset, data));
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return parts.read(
        rows, (tensor, offset, length) -> source.read(stored(tensor), offset, length));
  }

  private static TensorInfo stored(TensorInfo tensor) {
    return tensor.type() == ElementType.FLOAT8_E8M0
        ? new TensorInfo(tensor.name(), ElementType.UINT8, tensor.shape(), tensor.shard())
        : tensor;
  }
}
