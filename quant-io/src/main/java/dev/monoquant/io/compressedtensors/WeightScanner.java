package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ActivationQuantization;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the quantized weights among the tensors of a directory and checks that every tensor has the
 * type and shape that its group implies.
 */
final class WeightScanner {

  private static final String PACKED_SUFFIX = "." + StoredWeight.PACKED;

  /** Scales and zero points for the inputs and outputs of a layer, which only loaders use. */
  private static final List<String> ACTIVATIONS =
      List.of(
          "input_scale",
          "input_zero_point",
          "input_global_scale",
          "output_scale",
          "output_zero_point");

  private static final String WEIGHT_SUFFIX = "." + StoredWeight.CODES;

  private final ModelFiles files;
  private final ElementType floats;
  private final GroupMatcher matcher;
  private final Map<String, StoredWeight> weights = new LinkedHashMap<>();
  private final Set<String> parts = new HashSet<>();
  private int activationScales;

  /**
   * Scans a directory.
   *
   * @param files its tensors
   * @param groups the groups of its configuration
   * @param floats the type of the model's weights, used if the scales do not have it
   * @param configFile the configuration, for messages
   */
  WeightScanner(ModelFiles files, List<ConfigGroup> groups, ElementType floats, String configFile)
      throws IOException {
    this.files = files;
    this.floats = floats;
    this.matcher = new GroupMatcher(groups, configFile);
    for (String name : files.tensors().keySet()) {
      if (name.endsWith(PACKED_SUFFIX)) {
        scan(name.substring(0, name.length() - PACKED_SUFFIX.length()), StoredWeight.PACKED);
      } else if (name.endsWith(WEIGHT_SUFFIX) && name.length() > WEIGHT_SUFFIX.length()) {
        String module = name.substring(0, name.length() - WEIGHT_SUFFIX.length());
        boolean scaled = files.find(module + "." + StoredWeight.SCALE).isPresent();
        if (scaled && !files.tensors().get(name).info().type().isQuantizable()) {
          scan(module, StoredWeight.CODES);
        }
      }
    }
  }

  /** {@return the weights by name} */
  Map<String, StoredWeight> weights() {
    return weights;
  }

  /** {@return the number of scales and zero points of activations, which are also parts} */
  int activationScales() {
    return activationScales;
  }

  /** {@return the names of their tensors} */
  Set<String> parts() {
    return parts;
  }

  private void scan(String name, String codes) throws IOException {
    ConfigGroup group = matcher.require(name);
    Optional<ActivationQuantization> inputs = group.activations();
    if (inputs.isPresent()) {
      inputs = Optional.of(InputScale.read(inputs.get(), files, name));
    }
    ModuleTensors module = new ModuleTensors(files, name, floats, inputs, parts);
    ModelFiles.Located main = module.require(codes);
    if (!group.form().codes().equals(codes)) {
      throw ModuleTensors.fault(
          main, "is not what the format of its group " + quote(group.name()) + " has");
    }
    if (module.has(StoredWeight.GROUP_INDEX) && group.form() != Form.PACK) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          main.file().label(),
          "module " + quote(name),
          "its columns are permuted (weight_g_idx, actorder group), which is read of "
              + Form.PACK.wire()
              + " only. Use the original model.");
    }
    StoredWeight weight = group.form().read(module, group.weights());
    String plain = weight.weight().name();
    if (!codes.equals(StoredWeight.CODES) && files.find(plain).isPresent()) {
      throw ModuleTensors.fault(
          main, "stands beside " + quote(plain) + "; only one of them can be meant");
    }
    weights.put(plain, weight);
    for (String scale : ACTIVATIONS) {
      if (module.has(scale)) {
        module.require(scale);
        activationScales++;
      }
    }
  }
}
