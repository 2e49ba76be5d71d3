package dev.monoquant.io.safetensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.manifest.WeightJson;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The text under {@code monoquant.weights} in the metadata of a self-describing file: compact JSON
 * with sorted keys, an object with an entry for each quantized weight, see {@link WeightJson}.
 *
 * <p>The text is untrusted, like the header: every field is required, other fields are refused, and
 * every part must be a tensor of exactly the type and shape that the text implies.
 */
final class SelfDescription {

  static final String PREFIX = "monoquant.";
  static final String VERSION_KEY = PREFIX + "version";
  static final String WEIGHTS_KEY = PREFIX + "weights";
  static final String VERSION = "1";

  private SelfDescription() {}

  /** {@return how the parts of a weight are stored} */
  static TensorPerPart parts(EncodedWeight weight) {
    Optional<Part> numbers = weight.encoding().numbers();
    boolean floats =
        weight.encoding().formula() instanceof Formula.Cast
            && numbers.filter(part -> part.type().isQuantizable()).isPresent();
    return new TensorPerPart(
        weight.matrix(),
        weight.encoding(),
        part -> {
          if (!numbers.filter(part::equals).isPresent()) {
            return new Storage(weight.name() + "_" + part.name(), Packing.BITS);
          }
          return floats
              ? new Storage(weight.name(), Packing.CELLS, Order.TENSOR)
              : new Storage(weight.name(), Packing.BITS);
        });
  }

  static String write(List<EncodedWeight> weights) {
    Map<String, EncodedWeight> all = new TreeMap<>(JsonText.BY_CODE_POINT);
    weights.forEach(w -> all.put(w.name(), w));
    // Weight by weight: the values of 100,000 take 200 MB.
    StringBuilder out = new StringBuilder();
    for (EncodedWeight weight : all.values()) {
      out.append(out.isEmpty() ? '{' : ',');
      JsonText.quoted(out, weight.name(), false);
      out.append(':').append(JsonText.compact(new JsonValue.Obj(WeightJson.write(weight))));
    }
    return out.isEmpty() ? "{}" : out.append('}').toString();
  }

  /**
   * Reads the text that {@link #write} returns.
   *
   * @param file the file with the text in its metadata and the parts among its tensors
   * @param shard the value for {@link TensorInfo#shard()}
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the weights in the order of the text; empty if the file does not describe any
   */
  static List<EncodedWeight> read(SafetensorsFile file, String shard, ReadLimits limits) {
    String text = file.metadata().get(WEIGHTS_KEY);
    if (text == null) {
      return List.of();
    }
    String version = file.metadata().getOrDefault(VERSION_KEY, "");
    if (!version.equals(VERSION)) {
      throw new ModelFormatException(
          Reason.VERSION,
          file.label(),
          quote(VERSION_KEY),
          "is "
              + quote(version)
              + ", this program reads "
              + VERSION
              + ". Use a newer version of it.");
    }
    return new Reader(file, shard, new JsonFields.Fault(file.label(), WEIGHTS_KEY))
        .weights(text, limits);
  }

  private record Reader(SafetensorsFile file, String shard, JsonFields.Fault fault) {

    List<EncodedWeight> weights(String text, ReadLimits limits) {
      JsonValue json =
          StrictJson.parse(
              ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)),
              new StrictJson.Dialect(
                  file.label(),
                  "the text under " + WEIGHTS_KEY,
                  Reason.METADATA,
                  Reason.METADATA,
                  limits.maxDepth(),
                  false,
                  limits.maxParsedBytes()));
      if (!(json instanceof JsonValue.Obj all)) {
        throw fault.of(quote(WEIGHTS_KEY), "is " + json.kind() + ", not an object");
      }
      List<EncodedWeight> weights = new ArrayList<>();
      Map<String, String> owner = new HashMap<>();
      for (Map.Entry<String, JsonValue> member : all.members().entrySet()) {
        EncodedWeight weight =
            WeightJson.read(
                member.getKey(), member.getValue(), shard, fault, Set.of(), (w, f) -> checked(w));
        for (TensorInfo part : parts(weight).tensors()) {
          String other = owner.putIfAbsent(part.name(), weight.name());
          if (other != null) {
            throw fault.of(
                WeightJson.where(weight.name()),
                "shares tensor " + quote(part.name()) + " with " + quote(other));
          }
        }
        weights.add(weight);
      }
      return weights;
    }

    private EncodedWeight checked(EncodedWeight weight) {
      String where = WeightJson.where(weight.name());
      parts(weight).tensors().forEach(part -> requireTensor(where, part));
      return weight;
    }

    private void requireTensor(String where, TensorInfo wanted) {
      StoredTensor found = file.find(wanted.name()).orElse(null);
      if (found == null) {
        throw fault.of(where, "its part " + quote(wanted.name()) + " is no tensor of the file");
      }
      if (found.type() != wanted.type() || !found.shape().equals(wanted.shape())) {
        throw fault.of(
            where,
            "its part "
                + quote(wanted.name())
                + " is "
                + found.type().wire()
                + " "
                + found.shape()
                + ", the description implies "
                + wanted.type().wire()
                + " "
                + wanted.shape());
      }
    }
  }
}
