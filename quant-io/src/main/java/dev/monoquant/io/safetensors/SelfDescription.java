package dev.monoquant.io.safetensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonBytes;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.files.manifest.WeightJson;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

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

  /** Estimated bytes of a weight that is kept, and of the options and parts that it may share. */
  private static final long KEPT = 700;

  private static final long OPTIONS = 500;

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

  static TextPieces write(List<EncodedWeight> weights) {
    List<EncodedWeight> all = new ArrayList<>(weights);
    all.sort(Comparator.comparing(EncodedWeight::name, JsonText.BY_CODE_POINT));
    return JsonText.compactObject(
        json ->
            all.forEach(
                weight -> json.value(weight.name(), new JsonValue.Obj(WeightJson.write(weight)))));
  }

  /**
   * Reads the text that {@link #write} returns.
   *
   * @param file the file with the text in its metadata and the parts among its tensors
   * @param shard the value for {@link TensorInfo#shard()}
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the weights in the order of the text; none if the file does not describe any
   */
  static Described read(SafetensorsFile file, String shard, ReadLimits limits) {
    String text = file.metadata().get(WEIGHTS_KEY);
    if (text == null) {
      return new Described(List.of(), Set.of());
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

  /**
   * What a file describes.
   *
   * @param weights the weights in the order of the text
   * @param parts the names of the tensors that hold them
   */
  record Described(List<EncodedWeight> weights, Set<String> parts) {}

  private record Reader(SafetensorsFile file, String shard, JsonFields.Fault fault) {

    // Weights that have the objects of the one before need not look for equal ones.
    @SuppressWarnings("ReferenceEquality")
    Described weights(String text, ReadLimits limits) {
      List<EncodedWeight> weights = new ArrayList<>();
      Map<String, String> owner = new HashMap<>();
      WeightJson.Before before = new WeightJson.Before();
      Map<OptionValues, OptionValues> options = new HashMap<>();
      Map<Encoding, Encoding> encodings = new HashMap<>();
      StrictJson.parse(
          JsonBytes.of(text),
          new JsonDialect(
              file.label(),
              "the text under " + WEIGHTS_KEY,
              Reason.METADATA,
              Reason.METADATA,
              limits.maxDepth(),
              false,
              limits.maxParsedBytes()),
          (name, json) -> {
            EncodedWeight weight = weight(name, json, owner, before);
            EncodedWeight last = weights.isEmpty() ? null : weights.get(weights.size() - 1);
            int known = options.size() + encodings.size();
            if (last == null
                || last.options() != weight.options()
                || last.encoding() != weight.encoding()) {
              weight =
                  weight
                      .withOptions(options.computeIfAbsent(weight.options(), o -> o))
                      .withEncoding(encodings.computeIfAbsent(weight.encoding(), e -> e));
            }
            weights.add(weight);
            return KEPT + (options.size() + encodings.size() - known) * OPTIONS;
          });
      return new Described(weights, owner.keySet());
    }

    private EncodedWeight weight(
        String name, JsonValue json, Map<String, String> owner, WeightJson.Before before) {
      List<TensorInfo> tensors = new ArrayList<>();
      EncodedWeight weight =
          WeightJson.read(
              name,
              json,
              shard,
              fault,
              Set.of(),
              (w, f) -> {
                tensors.addAll(parts(w).tensors());
                tensors.forEach(part -> requireTensor(w.name(), part));
                return w;
              },
              before);
      for (TensorInfo part : tensors) {
        // The name that the file has, as another copy of it would be kept.
        String stored = file.find(part.name()).map(StoredTensor::name).orElse(part.name());
        String other = owner.putIfAbsent(stored, weight.name());
        if (other != null) {
          throw fault.of(
              WeightJson.where(weight.name()),
              "shares tensor " + quote(part.name()) + " with " + quote(other));
        }
      }
      return weight;
    }

    private void requireTensor(String weight, TensorInfo wanted) {
      StoredTensor found = file.find(wanted.name()).orElse(null);
      if (found == null) {
        throw fault.of(
            WeightJson.where(weight),
            "its part " + quote(wanted.name()) + " is no tensor of the file");
      }
      if (found.type() != wanted.type() || !found.shape().equals(wanted.shape())) {
        throw fault.of(
            WeightJson.where(weight),
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
