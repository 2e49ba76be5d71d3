package dev.monoquant.testkit.laws;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.Repeatable;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * An output format and a small model to write: some quantized weights, and difficult tensors that
 * are left unquantized (a scalar, one without elements, BFLOAT16, booleans).
 *
 * @param format the subject
 * @param targetName the name of the file or directory to make, such as {@code out.safetensors}
 * @param weights weights that the format supports
 */
public record OutputCase(OutputFormat format, String targetName, List<EncodedWeight> weights)
    implements Repeatable {

  private static final List<TensorInfo> KEPT =
      List.of(
          new TensorInfo("head.weight", ElementType.FLOAT32, TensorShape.of(3, 5)),
          new TensorInfo("head.bias", ElementType.FLOAT32, TensorShape.of(3)),
          new TensorInfo("norm.weight", ElementType.BFLOAT16, TensorShape.of(7)),
          new TensorInfo("norm.steps", ElementType.INT64, TensorShape.of()),
          new TensorInfo("mask", ElementType.BOOL, TensorShape.of(2, 1, 3)),
          new TensorInfo("nothing", ElementType.FLOAT16, TensorShape.of(0, 4)));

  /** Copies the list. */
  public OutputCase {
    weights = List.copyOf(weights);
  }

  /** {@return the tensors that are left unquantized} */
  List<TensorInfo> kept() {
    return KEPT;
  }

  /** The same tensors, the last ones from a second file. */
  static List<TensorInfo> keptInTwoShards() {
    List<TensorInfo> kept = new ArrayList<>();
    for (TensorInfo tensor : KEPT) {
      boolean second = kept.size() > KEPT.size() / 2;
      kept.add(
          new TensorInfo(tensor.name(), tensor.type(), tensor.shape(), second ? "second" : ""));
    }
    return kept;
  }

  /** The bytes of a tensor that is left unquantized. */
  byte[] data(TensorInfo tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
    new SplittableRandom(tensor.name().hashCode()).nextBytes(bytes);
    if (tensor.type() == ElementType.BOOL) {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] &= 1;
      }
    }
    return bytes;
  }

  /** All parts of a weight. */
  EncodedTile tile(EncodedWeight weight) {
    return EncodedSamples.tile(weight, weight.name().hashCode());
  }

  /** The code that uses an open session. */
  interface Use {
    void of(OutputSession session, OutputContents contents) throws IOException;
  }

  /** Opens the format on the model. */
  void open(Use use) throws IOException {
    open(List.of(), KEPT, use);
  }

  /** Opens the format on a model that was read from files and has other unquantized tensors. */
  void open(List<Path> files, List<TensorInfo> kept, Use use) throws IOException {
    MemoryModel.Builder model = MemoryModel.named("sample").files(files);
    Map<String, Map<String, TensorInfo>> layers = new LinkedHashMap<>();
    for (EncodedWeight weight : weights) {
      TensorInfo tensor = weight.matrix().tensor();
      model.tensor(tensor, new byte[Math.toIntExact(tensor.bytes())]);
      add(layers, tensor);
    }
    for (TensorInfo tensor : kept) {
      model.tensor(tensor, data(tensor));
      add(layers, tensor);
    }
    try (ModelSource source = model.build().open();
        OutputSession session = format.open(source)) {
      use.of(
          session,
          new OutputContents(
              layers.entrySet().stream().map(e -> layer(e.getKey(), e.getValue())).toList(),
              weights,
              kept,
              Optional.of(Provenance.of("laws", "1"))));
    }
  }

  private static void add(Map<String, Map<String, TensorInfo>> layers, TensorInfo tensor) {
    int dot = tensor.name().lastIndexOf('.');
    layers
        .computeIfAbsent(tensor.name().substring(0, Math.max(0, dot)), n -> new LinkedHashMap<>())
        .put(tensor.name().substring(dot + 1), tensor);
  }

  private Layer layer(String name, Map<String, TensorInfo> tensors) {
    LayerKind kind =
        weights.stream()
            .map(EncodedWeight::matrix)
            .filter(rows -> rows.layer().equals(name))
            .map(rows -> rows.kind())
            .findFirst()
            .orElse(name.equals("head") ? LayerKind.LINEAR : LayerKind.UNKNOWN);
    return new Layer(name, kind, Layer.Evidence.DECLARED, tensors);
  }

  /** One call of a writer. */
  interface Write {
    void to(OutputWriter sink) throws IOException;
  }

  /** All writes of the model, in order, in tiles and pieces of a size. */
  List<Write> writes(int size) {
    return writes(size, KEPT, name -> true);
  }

  /** The writes of some weights and unquantized tensors. */
  List<Write> writes(int size, List<TensorInfo> kept, Predicate<String> which) {
    List<Write> writes = new ArrayList<>();
    for (EncodedWeight weight : weights) {
      if (!which.test(weight.name())) {
        continue;
      }
      EncodedTile all = tile(weight);
      int alignment = weight.encoding().rowAlignment();
      int step = (size + alignment - 1) / alignment * alignment;
      for (int row = 0; row < all.height(); row += step) {
        RowRange rows = new RowRange(row, Math.min(step, all.height() - row));
        EncodedTile some = all.slice(weight.encoding(), rows);
        writes.add(sink -> sink.writeTile(weight, some));
      }
      Map<String, byte[]> whole = new TreeMap<>();
      weight.encoding().parts().stream()
          .filter(part -> !part.tiled())
          .forEach(part -> whole.put(part.name(), all.part(part.name())));
      writes.add(sink -> sink.writeWhole(weight, whole));
    }
    for (TensorInfo tensor : kept) {
      byte[] data = which.test(tensor.name()) ? data(tensor) : new byte[0];
      for (int at = 0; at < data.length; at += size) {
        int from = at;
        int length = Math.min(size, data.length - at);
        writes.add(sink -> sink.writeKept(tensor, from, ByteBuffer.wrap(data, from, length)));
      }
    }
    return writes;
  }

  /** {@return the options to write to a folder} */
  WriteOptions in(Path folder, boolean overwrite) {
    return new WriteOptions(folder.resolve(targetName), overwrite, false, false);
  }

  /** Writes the model to a folder and commits it. */
  List<Path> writeAll(Path folder, boolean overwrite, List<Write> writes) throws IOException {
    List<Path> files = new ArrayList<>();
    open(
        (session, contents) -> {
          try (OutputWriter sink = session.layout(contents).open(in(folder, overwrite))) {
            for (Write write : writes) {
              write.to(sink);
            }
            files.addAll(sink.commit());
          }
        });
    return files;
  }

  /** {@return the expression; custom weights are called {@code weights()} there} */
  @Override
  public String expression() {
    String which =
        weights.isEmpty()
            ? "List.of()"
            : weights.equals(EncodedSamples.ordinary())
                ? "EncodedSamples.ordinary()"
                : weights.equals(EncodedSamples.varied())
                    ? "EncodedSamples.varied()"
                    : weights.equals(EncodedSamples.shapes())
                        ? "EncodedSamples.shapes()"
                        : "weights()";
    return "new OutputCase(%s, %s, %s)"
        .formatted(Repeatable.creation(format), Repeatable.literal(targetName), which);
  }

  @Override
  public String toString() {
    return "%s (%s) as %s of %s"
        .formatted(
            format.id(),
            format.getClass().getName(),
            targetName,
            weights.stream().map(EncodedWeight::name).toList());
  }
}
