package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModuleNames;
import dev.monoquant.files.model.SourceView;
import dev.monoquant.model.Family;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A GGUF model with a matrix for each expert: the tensor {@code blk.0.ffn_up_exps.weight} of shape
 * (experts, rows, columns) is shown as the tensors {@code blk.0.ffn_up_exps.0.weight} and so on,
 * and so is every tensor of rank 3 of a linear layer, such as {@code attn_k_b} with a matrix for
 * each head. They are one family, since the file has one type for all. Nothing is copied. Other
 * tensors of rank 3 stay as they are.
 */
final class ExpertView extends SourceView {

  private static final String WEIGHT = ".weight";
  private static final String EXPERTS = "exps" + WEIGHT;

  private final ModelInfo info;
  private final Map<String, Expert> experts;

  /**
   * A matrix of a tensor.
   *
   * @param whole the tensor of all experts
   * @param index the number of the expert
   */
  record Expert(TensorInfo whole, int index) {

    /** {@return how many experts there are} */
    int count() {
      return Math.toIntExact(whole.shape().dim(0));
    }

    private TensorInfo matrix() {
      String name = whole.name();
      return new TensorInfo(
          name.substring(0, name.length() - WEIGHT.length()) + "." + index + WEIGHT,
          whole.type(),
          TensorShape.of(whole.shape().dim(1), whole.shape().dim(2)),
          whole.shard());
    }
  }

  /** Bounds the matrices that the stacked tensors of a model are taken apart into. */
  static final class Limit {

    private final String file;
    private long matrices;

    /**
     * @param file the model, for messages
     */
    Limit(String file) {
      this.file = file;
    }

    /**
     * Counts the matrices of a tensor, before anything is made of them.
     *
     * @param tensor a tensor of shape (experts, rows, columns)
     * @throws ModelFormatException if the model has more than maxTensors
     */
    void add(TensorInfo tensor) {
      long most = ReadLimits.DEFAULT.maxTensors();
      long own = tensor.shape().dim(0);
      if (own > most - matrices) {
        throw new ModelFormatException(
            Reason.LIMIT,
            file,
            "tensor " + quote(tensor.name()),
            "has "
                + own
                + " experts, and a model may have "
                + most
                + " in all (limit maxTensors). The file is damaged; fetch it again.");
      }
      matrices += own;
    }
  }

  private ExpertView(ModelSource inside, ModelInfo info, Map<String, Expert> experts) {
    super(inside);
    this.info = info;
    this.experts = experts;
  }

  /**
   * {@return the model with separate experts; the model itself if it has none, or is no GGUF model}
   */
  static ModelSource of(ModelSource inside) {
    if (inside.find(GgufModel.class).isEmpty()) {
      return inside;
    }
    Map<String, Expert> experts = new LinkedHashMap<>();
    List<TensorInfo> plain = new ArrayList<>();
    List<Layer> layers = new ArrayList<>();
    List<Family> families = new ArrayList<>(inside.info().families());
    Limit limit = new Limit(inside.info().name());
    for (TensorInfo tensor : inside.info().tensors()) {
      if (!isMixture(tensor)) {
        plain.add(tensor);
        continue;
      }
      limit.add(tensor);
      List<String> names = new ArrayList<>();
      for (int i = 0; i < tensor.shape().dim(0); i++) {
        Expert expert = new Expert(tensor, i);
        TensorInfo matrix = expert.matrix();
        String layer = ModuleNames.module(matrix.name());
        experts.put(matrix.name(), expert);
        plain.add(matrix);
        names.add(layer);
        layers.add(
            new Layer(layer, LayerKind.LINEAR, Layer.Evidence.DECLARED, Map.of("weight", matrix)));
      }
      if (names.size() > 1) {
        families.add(new Family(ModuleNames.module(tensor.name()), names, false));
      }
    }
    if (experts.isEmpty()) {
      return inside;
    }
    inside.info().layers().stream()
        .filter(layer -> layer.tensors().values().stream().noneMatch(ExpertView::isMixture))
        .forEach(layers::add);
    ModelInfo info = inside.info().withTensors(plain).withLayers(layers).withFamilies(families);
    return new ExpertView(inside, info, experts);
  }

  private static boolean isMixture(TensorInfo tensor) {
    TensorShape shape = tensor.shape();
    String name = tensor.name();
    boolean linear =
        name.endsWith(WEIGHT)
            && GgufNames.kind(ModuleNames.module(name)).equals(Optional.of(LayerKind.LINEAR));
    // A single row is a vector to ggml.
    return shape.rank() == 3
        && shape.dim(0) * shape.dim(1) > 1
        && shape.elements() > 0
        && (linear || name.endsWith(EXPERTS))
        && tensor.type().isQuantizable();
  }

  /**
   * {@return the expert of that name; empty if the source is no such view, or the tensor is whole}
   *
   * @param source a model
   * @param tensor the name of one of its tensors
   */
  static Optional<Expert> expert(ModelSource source, String tensor) {
    return source
        .find(ExpertView.class)
        .flatMap(view -> Optional.ofNullable(view.experts.get(tensor)));
  }

  /**
   * {@return the tensors of a model as they are in a file}
   *
   * @param source a model
   */
  static List<TensorInfo> whole(ModelSource source) {
    return source.find(ExpertView.class).map(ExpertView::inside).orElse(source).info().tensors();
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  protected boolean isOwn(String tensor) {
    return experts.containsKey(tensor);
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) throws IOException {
    Expert expert = requireNonNull(experts.get(tensor.name()), tensor.name());
    return inside()
        .read(expert.whole(), Math.addExact(expert.index() * tensor.bytes(), offset), length);
  }
}
