package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.input.Closing;
import dev.monoquant.model.Layer;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
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

/** The source of the tensors of PyTorch files. */
public final class TorchSource implements ModelSource {

  private final ModelInfo info;
  private final Map<TensorInfo, TorchTensor> tensors;
  private final Map<EncodedWeight, QuantizedTensor> quantized;
  private final List<Closeable> owned;
  private volatile boolean closed;

  /**
   * Makes a source and takes ownership of open files.
   *
   * @param name the name of the input, for messages
   * @param tensors the tensors, in order
   * @param quantized the quantized weights, in order
   * @param layers the layers that the file declares
   * @param notes notes on decisions
   * @param files every file that is read
   * @param sideFiles the side files to copy
   * @param leftOut files beside the model that are not copied
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
      List<BesideFile> leftOut,
      List<? extends Closeable> owned) {
    this.tensors = new LinkedHashMap<>(tensors);
    this.quantized = new LinkedHashMap<>(quantized);
    List<Path> read = new ArrayList<>(files);
    sideFiles.forEach(s -> read.add(s.path()));
    this.info =
        ModelInfo.of(name, List.copyOf(tensors.keySet()))
            .withQuantized(List.copyOf(quantized.keySet()))
            .withLayers(layers)
            .withTies(SharedTensors.tied(tensors))
            .withNotes(notes)
            .withSideFiles(sideFiles)
            .withLeftOut(leftOut)
            .withFiles(read);
    this.owned = List.copyOf(owned);
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    requireOpen();
    TorchTensor view = tensors.get(tensor);
    if (view == null) {
      throw new IllegalArgumentException(info.name() + " holds no tensor " + quote(tensor.name()));
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
      throw new IllegalStateException(info.name() + " is closed");
    }
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    requireOpen();
    QuantizedTensor tensor = quantized.get(weight);
    if (tensor == null) {
      throw new IllegalArgumentException(
          info.name() + " holds no quantized weight " + quote(weight.name()));
    }
    weight.encoding().checkRows(weight.matrix(), rows);
    return tensor.read(rows.first(), rows.height());
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
