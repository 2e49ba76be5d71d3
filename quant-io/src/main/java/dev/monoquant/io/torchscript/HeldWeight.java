package dev.monoquant.io.torchscript;

import static java.util.Objects.requireNonNull;

import dev.monoquant.files.torch.Storage;
import dev.monoquant.model.RowRange;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.Map;

/**
 * A quantized weight in an archive. Thread-safe.
 *
 * @param weight the weight
 * @param storages the bytes of each part by its name
 */
record HeldWeight(EncodedWeight weight, Map<String, Storage> storages) {

  /** Copies the map. */
  HeldWeight {
    storages = Map.copyOf(storages);
  }

  EncodedTile read(RowRange rows) throws IOException {
    return HeldStorage.layout(weight)
        .read(
            rows,
            (tensor, offset, length) ->
                requireNonNull(storages.get(tensor.name())).slice(offset, length));
  }
}
