package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufLayout;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.model.ModuleNames;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The source of the tensors of GGUF files: plain ones, and quantized weights in blocks. */
final class GgufSource implements ModelSource, GgufModel {

  private static final String BLOCKS = "blocks";

  private final List<GgufFile> files;
  private final Map<String, Stored> stored = new HashMap<>();
  private final Map<String, WeightLayout> layouts = new HashMap<>();
  private final ModelInfo info;
  private volatile boolean closed;

  /** A tensor and its file. */
  private record Stored(GgufFile file, GgufTensor tensor) {}

  /**
   * Takes ownership of open files.
   *
   * @param name the input as the user named it
   * @param files the files by their name in the model; the empty name if it is one file
   * @param paths every file that is read
   * @param sides notes on the files beside them
   */
  GgufSource(String name, Map<String, GgufFile> files, List<Path> paths, SideFiles sides) {
    this.files = List.copyOf(files.values());
    List<TensorInfo> plain = new ArrayList<>();
    List<EncodedWeight> quantized = new ArrayList<>();
    List<TensorInfo> all = new ArrayList<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    Map<GgmlType, Integer> opaque = new EnumMap<>(GgmlType.class);
    List<String> notes = new ArrayList<>(sides.notes());
    files.forEach(
        (shard, file) -> {
          file.metadata().forEach((key, value) -> metadata.putIfAbsent(key, value.text()));
          if (file.unusedBytes() > 0) {
            notes.add(file.unusedBytes() + " bytes behind the last tensor are not read");
          }
          for (GgufTensor tensor : file.tensors()) {
            stored.put(tensor.name(), new Stored(file, tensor));
            TensorInfo own =
                new TensorInfo(
                    tensor.name(),
                    tensor.type().plain().orElse(ElementType.FLOAT32),
                    tensor.shape(),
                    shard);
            all.add(own);
            if (tensor.type().plain().isPresent()) {
              plain.add(own);
            } else {
              quantized.add(weight(tensor, own));
              if (BlockForm.of(tensor.type()).isEmpty()) {
                opaque.merge(tensor.type(), 1, Integer::sum);
              }
            }
          }
        });
    opaque.forEach(
        (type, count) ->
            notes.add(
                count
                    + (count == 1 ? " weight" : " weights")
                    + " of "
                    + type
                    + ", a type that is not decoded: they can be listed, and nothing else"));
    this.info =
        ModelInfo.of(name, plain)
            .withQuantized(quantized)
            .withLayers(GgufNames.layers(all))
            .withMetadata(metadata)
            .withNotes(notes)
            .withSideFiles(sides.files())
            .withLeftOut(sides.leftOut())
            .withFiles(paths);
  }

  private EncodedWeight weight(GgufTensor tensor, TensorInfo own) {
    String layer = ModuleNames.module(tensor.name());
    WeightMatrix matrix =
        new WeightMatrix(
            layer,
            GgufNames.kind(layer).orElse(LayerKind.UNKNOWN),
            ModuleNames.local(tensor.name()),
            own,
            0);
    Encoding encoding =
        BlockForm.of(tensor.type())
            .map(
                form -> {
                  layouts.put(tensor.name(), new BlockLayout(matrix, form));
                  return form.encoding();
                })
            .orElseGet(() -> blocks(matrix, tensor.type()));
    return new EncodedWeight(
        matrix, new SchemeId("ggml/" + tensor.type().wire(), 1), OptionValues.DEFAULTS, encoding);
  }

  /** A weight whose blocks are not decoded: one part with their bytes. */
  private static Encoding blocks(WeightMatrix matrix, GgmlType type) {
    int bytes = Math.toIntExact(matrix.columnCount() / type.numbers() * type.bytes());
    return Encoding.opaque(Part.runPerRow(BLOCKS, ElementType.UINT8, bytes));
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  /** Blocks have fewer bits than their parts where codes are vectors of tables. */
  @Override
  public long storedBytes(EncodedWeight weight) {
    Stored own = stored.get(weight.name());
    return own == null ? ModelSource.super.storedBytes(weight) : own.tensor().bytes();
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    if (closed) {
      throw new IllegalStateException(info.name() + " is closed");
    }
    Stored own = stored.get(tensor.name());
    if (own == null) {
      throw new IllegalArgumentException(info.name() + " holds no tensor " + quote(tensor.name()));
    }
    return own.file().read(own.tensor(), offset, length);
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    WeightLayout layout = layouts.get(weight.name());
    if (layout == null) {
      return blocks(weight, rows);
    }
    return layout.read(rows, this::read);
  }

  private EncodedTile blocks(EncodedWeight weight, RowRange rows) throws IOException {
    int rowBytes = Math.toIntExact(weight.encoding().parts().get(0).tileBytes(1, 1));
    byte[] bytes = new byte[Math.multiplyExact(rows.height(), rowBytes)];
    read(weight.matrix().tensor(), rows.first() * rowBytes, bytes.length).get(bytes);
    return new EncodedTile(rows.first(), rows.height(), Map.of(BLOCKS, bytes));
  }

  @Override
  public List<GgufLayout.Value> metadata() throws IOException {
    Map<String, GgufLayout.Value> values = new LinkedHashMap<>();
    for (GgufFile file : files) {
      for (String key : file.metadata().keySet()) {
        if (!values.containsKey(key)) {
          values.put(key, file.value(key));
        }
      }
    }
    return List.copyOf(values.values());
  }

  @Override
  public long alignment() {
    return files.get(0).alignment();
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    if (capability == GgufModel.class) {
      return Optional.of(capability.cast(this));
    }
    return GgufAudit.of(files).filter(capability::isInstance).map(capability::cast);
  }

  @Override
  public void close() {
    closed = true;
    try {
      Closing.all(files);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
