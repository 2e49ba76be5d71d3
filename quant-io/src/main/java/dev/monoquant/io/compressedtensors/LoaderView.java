package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.files.model.SourceView;
import dev.monoquant.io.compressedtensors.JoinedExperts.Slice;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A view of a model for loaders of compressed-tensors: with the families of {@link FusedLayers},
 * heads tied to the embedding, and separate matrices for each expert of {@link JoinedExperts}.
 * Nothing is copied: a matrix of an expert is read from the joined tensor.
 */
final class LoaderView extends SourceView {

  /** Columns read at once, so that rows are written in runs, not number by number. */
  private static final int COLUMNS = 16;

  private final ModelInfo info;

  private final Map<String, Slice> slices;
  private final Map<String, TensorInfo> heads;

  private LoaderView(
      ModelSource inside,
      ModelInfo info,
      Map<String, Slice> slices,
      Map<String, TensorInfo> heads) {
    super(inside);
    this.info = info;
    this.slices = slices;
    this.heads = heads;
  }

  /**
   * {@return a view of a model}
   *
   * @param inside the model
   * @param experts whether the output holds quantized experts; if not, they stay as they are
   */
  static LoaderView of(ModelSource inside, boolean experts) throws IOException {
    Optional<LoaderView> made = asView(inside);
    if (made.isPresent()) {
      return made.get();
    }
    ModelInfo info = LoaderInput.of(inside.info());
    ModelConfig config = ModelConfig.of(info.sideFiles(), ReadLimits.DEFAULT);
    Map<String, List<Slice>> joined = experts ? JoinedExperts.slices(info, config) : Map.of();
    Map<String, Slice> slices = new LinkedHashMap<>();
    List<TensorInfo> plain = new ArrayList<>();
    for (TensorInfo tensor : info.tensors()) {
      List<Slice> matrices = joined.get(tensor.name());
      if (matrices == null) {
        plain.add(tensor);
      } else {
        matrices.forEach(slice -> slices.put(slice.tensor().name(), slice));
        matrices.forEach(slice -> plain.add(slice.tensor()));
      }
    }
    List<TensorInfo> tensors = new ArrayList<>(plain);
    info.quantized().forEach(w -> tensors.add(w.matrix().tensor()));
    List<String> notes = new ArrayList<>(info.notes());
    LoaderInput.lacksConfig(info).ifPresent(notes::add);
    notes.addAll(InitFromWeights.warnings(config));
    joined(plain, config).ifPresent(notes::add);
    Map<String, TensorInfo> heads = HeldHeads.of(inside, config);
    // If config.json does not say, a head is tied if it has the bytes of the embedding.
    if (config.tiesWords().isPresent()) {
      for (Map.Entry<String, TensorInfo> head : heads.entrySet()) {
        head(inside, head.getKey(), head.getValue()).ifPresent(notes::add);
      }
    }
    return new LoaderView(
        inside,
        info.withTensors(plain)
            .withFamilies(experts ? FusedLayers.of(tensors) : FusedLayers.withoutExperts(tensors))
            .withNotes(notes),
        slices,
        heads);
  }

  /** {@return a source as a view; empty if it is not a view itself, even if it wraps one} */
  static Optional<LoaderView> asView(ModelSource source) {
    return source.find(LoaderView.class).filter(source::equals);
  }

  /** {@return the tied heads, see {@link HeldHeads#of}} */
  Map<String, TensorInfo> heads() {
    return heads;
  }

  /**
   * {@return how many of the named tensors are matrices of experts in a joined tensor}
   *
   * @param names of tensors
   */
  long matrices(Collection<String> names) {
    return names.stream().filter(slices::containsKey).count();
  }

  /** A note on experts left unquantized because no loader splits them. */
  private static Optional<String> joined(List<TensorInfo> tensors, ModelConfig config) {
    List<TensorInfo> joined =
        tensors.stream().filter(t -> JoinedExperts.mixture(t).isPresent()).toList();
    if (joined.isEmpty()) {
      return Optional.empty();
    }
    long bytes = joined.stream().mapToLong(TensorInfo::bytes).sum();
    long all = tensors.stream().mapToLong(TensorInfo::bytes).sum();
    return Optional.of(
        "experts stay in float, "
            + 100 * bytes / Math.max(1, all)
            + " % of the model: "
            + joined.size()
            + " tensors such as "
            + quote(joined.get(0).name())
            + " have those of a layer in one, and transformers takes the experts of "
            + (config.modelTypes().isEmpty()
                ? "a model without model_type"
                : String.join("/", config.modelTypes()))
            + " in no other way");
  }

  /** A note if a head differs from the embedding that it is tied to. */
  private static Optional<String> head(ModelSource source, String name, TensorInfo embedding)
      throws IOException {
    Optional<TensorInfo> head =
        source.info().tensors().stream().filter(t -> t.name().equals(name)).findFirst();
    return HeldHeads.same(source, head.orElseThrow(), embedding)
        ? Optional.empty()
        : Optional.of(
            "the head "
                + quote(name)
                + " differs from "
                + quote(embedding.name())
                + ", and config.json ties them (tie_word_embeddings): loaders use the embedding and"
                + " not this head. If the head is meant, set tie_word_embeddings to false");
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  protected boolean isOwn(String tensor) {
    return slices.containsKey(tensor);
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) throws IOException {
    Slice slice = requireNonNull(slices.get(tensor.name()), tensor.name());
    int cell = tensor.type().cellBytes();
    return slice.isContiguous()
        ? inside().read(slice.from(), Math.addExact(slice.first() * cell, offset), length)
        : gather(slice, offset, length, cell);
  }

  /** Gathers bytes across columns, each of which is another line of the tensor. */
  private ByteBuffer gather(Slice slice, long offset, int length, int cell) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    long columns = slice.tensor().shape().dim(1);
    for (long at = offset; bytes.hasRemaining(); ) {
      long element = at / cell;
      int within = (int) (at % cell);
      long place = slice.first() + element / columns + element % columns * slice.columnStride();
      int n = Math.min(cell - within, bytes.remaining());
      bytes.put(inside().read(slice.from(), place * cell + within, n));
      at += n;
    }
    return bytes.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    Slice slice = slices.get(matrix.tensor().name());
    if (slice == null || slice.isContiguous() || matrix.rowAxis() != 0) {
      super.readRows(matrix, rows, into);
    } else {
      columns(slice, rows, into);
    }
  }

  /**
   * Reads rows of a matrix whose columns are lines of the tensor, a run of each column at a time.
   */
  private void columns(Slice slice, RowRange rows, float[] into) throws IOException {
    int columns = Math.toIntExact(slice.tensor().shape().dim(1));
    int height = rows.height();
    ElementType type = slice.from().type();
    WeightMatrix.Runs runs =
        new WeightMatrix.Runs(
            columns, 1, height, slice.first() + rows.first(), slice.columnStride());
    int most = Math.min(columns, COLUMNS);
    float[] some = new float[Math.multiplyExact(most, height)];
    for (int run = 0; run < columns; run += most) {
      int n = Math.min(most, columns - run);
      for (int k = 0; k < n; k++) {
        ByteBuffer data =
            inside()
                .read(
                    slice.from(),
                    runs.start(run + k) * type.cellBytes(),
                    height * type.cellBytes());
        FloatBytes.widen(type, data, some, k * height, height);
      }
      runs.scatter(some, run, n, into);
    }
  }
}
