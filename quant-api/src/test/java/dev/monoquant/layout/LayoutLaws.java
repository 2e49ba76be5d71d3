package dev.monoquant.layout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * What holds of every layout: each byte is written once, bytes do not depend on how rows are split
 * into tiles nor on the order of these, and what was written is read, in any tiles.
 *
 * @param matrix a weight
 * @param encoding its parts
 * @param layout how they are stored
 */
record LayoutLaws(WeightMatrix matrix, Encoding encoding, WeightLayout layout) {

  void check(long seed) throws IOException {
    Random random = new Random(seed);
    Map<String, byte[]> parts = cells(random);
    Map<TensorInfo, byte[]> stored = store(parts, split(random), random);
    Map<TensorInfo, byte[]> again = store(parts, split(random), random);
    assertThat(again.keySet()).containsExactlyElementsOf(stored.keySet());
    stored.forEach((tensor, bytes) -> assertThat(again.get(tensor)).isEqualTo(bytes));
    for (RowRange rows : split(random)) {
      EncodedTile read = layout.read(rows, source(stored, random.nextBoolean()));
      assertThat(read.firstRow()).isEqualTo(rows.first());
      assertThat(read.height()).isEqualTo(rows.height());
      assertThat(read.names()).containsExactlyInAnyOrderElementsOf(parts.keySet());
      tile(parts, rows)
          .forEach((name, bytes) -> assertThat(read.part(name)).as(name).isEqualTo(bytes));
    }
  }

  /** Every cell is one that its type has; codes of all bit patterns occur. */
  Map<String, byte[]> cells(Random random) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (Part part : encoding.parts()) {
      byte[] bytes = new byte[(int) part.tileBytes(matrix.rowCount(), matrix.columnCount())];
      random.nextBytes(bytes);
      ElementType type = part.type();
      for (int i = 0; i < bytes.length && type.bits() < Byte.SIZE; i++) {
        int unused = Integer.SIZE - type.bits();
        boolean extended = type.isCode() && type.signed();
        int bits = bytes[i] << unused;
        bytes[i] = (byte) (extended ? bits >> unused : bits >>> unused);
      }
      parts.put(part.name(), bytes);
    }
    return parts;
  }

  Map<TensorInfo, byte[]> store(Map<String, byte[]> parts, List<RowRange> tiles, Random random)
      throws IOException {
    Map<TensorInfo, byte[]> stored = new LinkedHashMap<>();
    Map<TensorInfo, BitSet> written = new LinkedHashMap<>();
    for (TensorInfo tensor : layout.tensors()) {
      stored.put(tensor, new byte[(int) tensor.bytes()]);
      written.put(tensor, new BitSet());
    }
    WeightLayout.Writer writer =
        layout.writer(
            (tensor, offset, data) -> {
              int from = Math.toIntExact(offset);
              int to = from + data.remaining();
              BitSet bytes = written.get(tensor);
              assertThat(bytes.get(from, to).isEmpty()).as("written once").isTrue();
              bytes.set(from, to);
              data.get(stored.get(tensor), from, data.remaining());
            });
    boolean first = random.nextBoolean();
    if (first) {
      writer.writeWhole(whole(parts));
    }
    for (RowRange rows : tiles) {
      writer.writeTile(new EncodedTile(rows.first(), rows.height(), tile(parts, rows)));
    }
    if (!first) {
      writer.writeWhole(whole(parts));
    }
    stored.forEach(
        (tensor, bytes) ->
            assertThat(written.get(tensor).cardinality())
                .as(tensor.name())
                .isEqualTo(bytes.length));
    return stored;
  }

  private Map<String, byte[]> whole(Map<String, byte[]> parts) {
    Map<String, byte[]> whole = new LinkedHashMap<>(parts);
    encoding.parts().stream().filter(Part::tiled).forEach(part -> whole.remove(part.name()));
    return whole;
  }

  private Map<String, byte[]> tile(Map<String, byte[]> parts, RowRange rows) {
    Map<String, byte[]> tile = new LinkedHashMap<>();
    for (Part part : encoding.parts()) {
      byte[] all = parts.get(part.name());
      if (part.extent() instanceof Part.Grid grid) {
        int from =
            (int) (part.tileBytes(1, matrix.columnCount()) * (rows.first() / grid.rowsPerCell()));
        int length = (int) part.tileBytes(rows.height(), matrix.columnCount());
        all = java.util.Arrays.copyOfRange(all, from, from + length);
      }
      tile.put(part.name(), all);
    }
    return tile;
  }

  /** Tiles that start where cells do, in any order. */
  private List<RowRange> split(Random random) {
    int rows = (int) matrix.rowCount();
    int alignment = encoding.rowAlignment();
    List<RowRange> tiles = new ArrayList<>();
    for (int first = 0; first < rows; ) {
      int height = Math.min(rows - first, alignment * (1 + random.nextInt(4)));
      tiles.add(new RowRange(first, height));
      first += height;
    }
    Collections.shuffle(tiles, random);
    return tiles;
  }

  /** Buffers of either order, read-only and not at the start of an array. */
  private static WeightLayout.Source source(Map<TensorInfo, byte[]> stored, boolean little) {
    return (tensor, offset, length) ->
        ByteBuffer.wrap(stored.get(tensor), Math.toIntExact(offset), length)
            .slice()
            .asReadOnlyBuffer()
            .order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
  }
}
