package dev.monoquant.io.torchscript;

import static java.util.Objects.requireNonNull;

import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A weight that an archive holds quantized. Thread-safe.
 *
 * @param weight the weight
 * @param storages the bytes of each part by its name
 */
record HeldWeight(EncodedWeight weight, Map<String, Storage> storages) {

  /** Copies the map. */
  HeldWeight {
    storages = Map.copyOf(storages);
  }

  EncodedTile read(long firstRow, int height) throws IOException {
    CellGrid.checkRows(weight.rows(), weight.encoding(), firstRow, height);
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (Part part : weight.encoding().parts()) {
      HeldPart held = HeldPart.of(weight, part);
      int rows = held.cellRows(height);
      int length = Math.toIntExact(Math.multiplyExact(held.cells().bytes(), (long) rows));
      Storage storage = requireNonNull(storages.get(part.name()));
      parts.put(
          part.name(), held.cells().unpack(storage.slice(held.offset(firstRow), length), rows));
    }
    return new EncodedTile(firstRow, height, parts);
  }
}
