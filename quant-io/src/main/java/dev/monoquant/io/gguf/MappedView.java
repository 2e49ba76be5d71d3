package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.PluginException;
import dev.monoquant.files.model.SourceView;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Numbers;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model with other names, shapes and order of rows: one of transformers as GGUF, or the reverse.
 * Nothing is copied; every tensor is read from those of the model.
 */
final class MappedView extends SourceView {

  private static final int NAMES_SHOWN = 5;

  private final ModelInfo info;
  private final Object described;
  private final Map<String, MappedTensor> mapped = new LinkedHashMap<>();
  private final Map<String, byte[]> made = new HashMap<>();

  /**
   * Shows a model.
   *
   * @param inside the model
   * @param shown its description without tensors and layers, with notes
   * @param mapping its mapping, which is checked
   * @param inverse whether rows of heads that are in pairs become halves
   * @param described the capability of this view
   * @throws ModelFormatException if a tensor of the model has no place
   * @throws PluginException if the mapping contradicts the model
   */
  MappedView(
      ModelSource inside, ModelInfo shown, GgufMapping mapping, boolean inverse, Object described) {
    super(inside);
    this.described = described;
    List<TensorInfo> tensors = new ArrayList<>();
    for (Stored stored : mapping.tensors()) {
      tensors.add(place(stored, inverse));
    }
    audit(mapping);
    this.info = shown.withTensors(tensors);
  }

  private MappedView(MappedView other, ModelInfo info) {
    super(other.inside());
    this.described = other.described;
    this.mapped.putAll(other.mapped);
    this.made.putAll(other.made);
    this.info = info;
  }

  /** {@return this view with declared layers} */
  MappedView withLayers(List<Layer> layers) {
    return new MappedView(this, info.withLayers(layers));
  }

  private TensorInfo place(Stored stored, boolean inverse) {
    if (mapped.containsKey(stored.name()) || made.containsKey(stored.name())) {
      throw new PluginException(
          "the architecture maps two tensors to the name " + quote(stored.name()));
    }
    if (stored.content() instanceof Rows rows) {
      MappedTensor tensor = new MappedTensor(stored, rows, inverse);
      mapped.put(stored.name(), tensor);
      return tensor.tensor();
    }
    Numbers numbers = (Numbers) stored.content();
    if (numbers.values().size() != stored.shape().elements()) {
      throw new PluginException(
          "the architecture makes tensor "
              + quote(stored.name())
              + " of "
              + numbers.values().size()
              + " numbers, and its shape is "
              + stored.shape());
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(numbers.values().size() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    numbers.values().forEach(bytes::putFloat);
    made.put(stored.name(), bytes.array());
    return new TensorInfo(stored.name(), ElementType.FLOAT32, stored.shape());
  }

  /** Every row of every tensor of the model is stored or left out with a reason. */
  private void audit(GgufMapping mapping) {
    Map<String, Long> rows = mapping.storedRows();
    List<String> lost = new ArrayList<>();
    for (TensorInfo tensor : inside().info().tensors()) {
      long width = tensor.shape().rank() < 2 ? 1 : tensor.shape().dim(-1);
      boolean whole = rows.getOrDefault(tensor.name(), 0L) * width >= tensor.shape().elements();
      if (!whole && !mapping.leftOut().containsKey(tensor.name())) {
        lost.add(quote(tensor.name()));
      }
    }
    if (!lost.isEmpty()) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          inside().info().name(),
          "",
          lost.size()
              + (lost.size() == 1 ? " tensor has" : " tensors have")
              + " no place in a model of the architecture "
              + mapping.architecture()
              + ": "
              + String.join(", ", lost.subList(0, Math.min(NAMES_SHOWN, lost.size())))
              + (lost.size() > NAMES_SHOWN ? " and more" : "")
              + ". Such a model cannot be stored so; write a .safetensors file instead.");
    }
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  protected boolean isOwn(String tensor) {
    return true;
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) throws IOException {
    MappedTensor own = mapped.get(tensor.name());
    if (own != null) {
      return own.read(inside(), offset, length);
    }
    byte[] numbers = made.get(tensor.name());
    if (numbers == null) {
      throw new IllegalArgumentException(info.name() + " holds no tensor " + quote(tensor.name()));
    }
    return ByteBuffer.wrap(numbers)
        .slice(Math.toIntExact(offset), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Origin origin(TensorInfo tensor) {
    return Optional.ofNullable(mapped.get(tensor.name()))
        .flatMap(MappedTensor::same)
        .map(inside()::origin)
        .orElseGet(() -> super.origin(tensor));
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    if (capability.isInstance(described)) {
      return Optional.of(capability.cast(described));
    }
    return capability == GgufModel.class ? Optional.empty() : inside().find(capability);
  }
}
