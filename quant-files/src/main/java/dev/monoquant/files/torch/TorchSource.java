package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.input.Closing;
import dev.monoquant.files.parts.CellGrid;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.SideFile;
import dev.monoquant.tile.EncodedTile;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tensors of PyTorch files as the framework sees them. */
public final class TorchSource implements ModelSource {

  private final String name;
  private final Map<TensorInfo, TorchTensor> tensors;
  private final Map<EncodedWeight, QuantizedTensor> quantized;
  private final List<Layer> layers;
  private final List<String> notes;
  private final List<Path> files;
  private final List<SideFile> sideFiles;
  private final List<Closeable> owned;
  private volatile boolean closed;

  /**
   * Takes open files over.
   *
   * @param name the input for messages
   * @param tensors what to give, in order
   * @param quantized the weights that are stored quantized, in order
   * @param layers the layers that the file declares
   * @param notes what was decided
   * @param files every file that is read
   * @param sideFiles what to carry over
   * @param owned closed with this source
   */
  public TorchSource(
      String name,
      Map<TensorInfo, TorchTensor> tensors,
      Map<EncodedWeight, QuantizedTensor> quantized,
      List<Layer> layers,
      List<String> notes,
      List<Path> files,
      List<SideFile> sideFiles,
      List<? extends Closeable> owned) {
    this.name = name;
    this.tensors = new LinkedHashMap<>(tensors);
    this.quantized = new LinkedHashMap<>(quantized);
    this.layers = List.copyOf(layers);
    this.notes = List.copyOf(notes);
    this.files = List.copyOf(files);
    this.sideFiles = List.copyOf(sideFiles);
    this.owned = List.copyOf(owned);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<TensorInfo> tensors() {
    return List.copyOf(tensors.keySet());
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    requireOpen();
    TorchTensor view = tensors.get(tensor);
    if (view == null) {
      throw new IllegalArgumentException(name + " holds no tensor " + quote(tensor.name()));
    }
    return ViewReader.read(view, offset, length);
  }

  /**
   * Checks that reading is still possible.
   *
   * @throws IllegalStateException if this is closed
   */
  public void requireOpen() {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
  }

  @Override
  public List<EncodedWeight> quantized() {
    return List.copyOf(quantized.keySet());
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, long firstRow, int height) throws IOException {
    requireOpen();
    QuantizedTensor tensor = quantized.get(weight);
    if (tensor == null) {
      throw new IllegalArgumentException(
          name + " holds no quantized weight " + quote(weight.name()));
    }
    CellGrid.checkRows(weight.rows(), weight.encoding(), firstRow, height);
    return tensor.read(firstRow, height);
  }

  @Override
  public List<Layer> layers() {
    return layers;
  }

  @Override
  public List<String> notes() {
    return notes;
  }

  @Override
  public List<SideFile> sideFiles() {
    return sideFiles;
  }

  @Override
  public List<Path> files() {
    List<Path> all = new ArrayList<>(files);
    sideFiles.forEach(s -> all.add(s.path()));
    return all;
  }

  @Override
  public void close() {
    closed = true;
    try {
      Closing.all(owned);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
