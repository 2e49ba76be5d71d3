package dev.monoquant.files.model;

import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model in files as the framework sees it: plain tensors, and quantized weights made of others.
 */
public final class FileSource implements ModelSource {

  /** Reads rows of quantized weights; thread-safe. */
  @FunctionalInterface
  public interface TileReader {
    /**
     * Reads rows.
     *
     * @param weight one of the source's weights
     * @param firstRow the first row, as {@link ModelSource#readTile} has it
     * @param height the number of rows, as {@link ModelSource#readTile} has it
     * @return all parts of these rows
     * @throws IOException if reading fails
     */
    EncodedTile read(EncodedWeight weight, long firstRow, int height) throws IOException;
  }

  private final ModelFiles files;
  private final List<EncodedWeight> quantized;
  private final List<TensorInfo> plain;
  private final TileReader reader;
  private final List<String> notes;

  /**
   * Takes an open model over.
   *
   * @param files the model; closed with this source
   * @param quantized its quantized weights
   * @param parts the names of the tensors they are made of
   * @param reader reads them
   * @param notes what was decided, see {@link #notes()}
   */
  public FileSource(
      ModelFiles files,
      List<EncodedWeight> quantized,
      Set<String> parts,
      TileReader reader,
      List<String> notes) {
    this.files = files;
    this.quantized = List.copyOf(quantized);
    this.plain =
        files.tensors().values().stream()
            .map(ModelFiles.Located::info)
            .filter(t -> !parts.contains(t.name()))
            .toList();
    this.reader = reader;
    this.notes = List.copyOf(notes);
  }

  @Override
  public String name() {
    return files.name();
  }

  @Override
  public List<TensorInfo> tensors() {
    return plain;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return files.read(tensor.name(), offset, length);
  }

  @Override
  public Map<String, String> metadata() {
    return files.metadata();
  }

  @Override
  public List<EncodedWeight> quantized() {
    return quantized;
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, long firstRow, int height) throws IOException {
    CellGrid.checkRows(weight.rows(), weight.encoding(), firstRow, height);
    return reader.read(weight, firstRow, height);
  }

  @Override
  public List<String> notes() {
    return notes;
  }

  @Override
  public List<SideFile> sideFiles() {
    return files.sideFiles();
  }

  @Override
  public List<Path> files() {
    return files.paths();
  }

  @Override
  public Optional<Audit> audit() throws IOException {
    return FileAudit.of(files);
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
