package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.spi.ActivationQuantization;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * One of the {@code config_groups}, read and written: how the weights of some layers are quantized.
 *
 * @param name its name, such as {@code group_0}
 * @param targets exact module names, {@code re:} and a regex, or class names
 * @param form how weights are stored
 * @param weights how they are quantized
 * @param activations how the program that runs the model quantizes the inputs of the layers; empty
 *     if it does not, or in an unknown way
 */
record ConfigGroup(
    String name,
    List<String> targets,
    Form form,
    WeightArguments weights,
    Optional<ActivationQuantization> activations) {

  /** The format of a configuration whose groups have different formats. */
  static final String METHOD = "compressed-tensors";

  static final String MIXED = "mixed-precision";

  /** Omits fields with the default or null, since readers refuse unknown fields. */
  JsonValue.Obj json() {
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("targets", new JsonValue.Arr(targets.stream().map(JsonValue::of).toList()));
    json.put("format", JsonValue.of(form.wire()));
    json.put("weights", arguments());
    inputs().ifPresent(inputs -> json.put("input_activations", inputs));
    return new JsonValue.Obj(json);
  }

  /** {@return how inputs are quantized, in the form of {@code config.json}} */
  Optional<JsonValue.Obj> inputs() {
    return activations.map(inputs -> ActivationArguments.json(inputs, form.scaleType()));
  }

  /** {@return how weights are quantized, in the form of {@code config.json}} */
  JsonValue.Obj arguments() {
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("num_bits", JsonValue.Num.of(weights.bits()));
    json.put("type", JsonValue.of(weights.floats() ? "float" : "int"));
    json.put("symmetric", JsonValue.of(weights.symmetric()));
    json.put("strategy", JsonValue.of(weights.strategy().wire()));
    json.put("dynamic", JsonValue.of(false));
    if (weights.strategy().groupSize() > 0) {
      json.put("group_size", JsonValue.Num.of(weights.strategy().groupSize()));
    }
    if (weights.strategy() instanceof Strategy.Block block) {
      json.put(
          "block_structure",
          new JsonValue.Arr(
              List.of(JsonValue.Num.of(block.rows()), JsonValue.Num.of(block.columns()))));
    }
    form.scaleType().ifPresent(type -> json.put("scale_dtype", JsonValue.of(type)));
    return new JsonValue.Obj(json);
  }

  /** Reads the groups of a {@code quantization_config}. */
  static List<ConfigGroup> read(JsonValue.Obj config, String file) {
    return new Reader(file).groups(config);
  }

  private record Reader(String file) {

    /** Where transforms are part of the stored weights. */
    private static final Set<String> IN_WEIGHTS = Set.of("weight_input", "weight_output");

    List<ConfigGroup> groups(JsonValue.Obj config) {
      String method = config.text("quant_method").orElse("");
      if (!method.equals(METHOD)) {
        throw unsupported("", "quant_method " + quote(method) + " is not " + METHOD);
      }
      refuseSparse(config);
      refuseTransforms(config);
      Optional<String> format = config.text("format");
      List<ConfigGroup> groups = new ArrayList<>();
      if (format.equals(Optional.of("dense"))) {
        return groups;
      }
      if (!(config.find("config_groups").orElse(null) instanceof JsonValue.Obj all)) {
        throw fault("", "config_groups is missing or no object");
      }
      for (Map.Entry<String, JsonValue> member : all.members().entrySet()) {
        String where = "group " + quote(member.getKey());
        if (!(member.getValue() instanceof JsonValue.Obj group)) {
          throw unsupported(where, "is " + member.getValue().kind() + ", a preset by name");
        }
        if (group.find("weights").isPresent()) {
          groups.add(group(member.getKey(), where, group, format));
        }
      }
      return groups;
    }

    private void refuseSparse(JsonValue.Obj config) {
      if (config.find("sparsity_config").orElse(null) instanceof JsonValue.Obj sparsity) {
        String format = sparsity.text("format").orElse("dense");
        if (!format.equals("dense")) {
          throw unsupported("", "sparsity format " + quote(format) + " is not supported");
        }
      }
    }

    /** Rotations of activations belong to the model; without them its weights mean nothing. */
    private void refuseTransforms(JsonValue.Obj config) {
      objects(config.find("transform_config"))
          .flatMap(transforms -> objects(transforms.find("config_groups")))
          .flatMap(groups -> groups.members().values().stream())
          .flatMap(scheme -> objects(Optional.of(scheme)))
          .flatMap(scheme -> scheme.find("apply").stream())
          .flatMap(apply -> apply instanceof JsonValue.Arr all ? all.items().stream() : Stream.of())
          .flatMap(place -> objects(Optional.of(place)))
          .map(place -> place.text("location").orElse(""))
          .filter(location -> !IN_WEIGHTS.contains(location))
          .findFirst()
          .ifPresent(
              location -> {
                throw unsupported(
                    "",
                    "transform_config has a transform of activations (location "
                        + quote(location)
                        + "), without which the weights mean something else");
              });
    }

    private static Stream<JsonValue.Obj> objects(Optional<JsonValue> value) {
      return value.filter(JsonValue.Obj.class::isInstance).map(JsonValue.Obj.class::cast).stream();
    }

    private ConfigGroup group(
        String name, String where, JsonValue.Obj group, Optional<String> global) {
      Optional<String> format = group.text("format").or(() -> global);
      if (format.isPresent() && Form.of(format.get()).isEmpty()) {
        throw unsupported(
            where,
            "format " + quote(format.get()) + " is not supported; supported are " + Form.names());
      }
      if (!(group.members().get("weights") instanceof JsonValue.Obj weights)) {
        throw fault(where, "weights is no object");
      }
      WeightArguments arguments = weights(where, weights);
      boolean inputs = group.find("input_activations").orElse(null) instanceof JsonValue.Obj;
      Form form =
          format
              .flatMap(Form::of)
              .orElseGet(() -> Form.inferred(arguments, inputs, weights.text("scale_dtype")));
      if (!form.holds(arguments)) {
        throw unsupported(
            where,
            "format " + quote(form.wire()) + " does not hold weights of " + arguments.text());
      }
      return new ConfigGroup(name, targets(where, group), form, arguments, activations(group));
    }

    /** Weights are decoded even if the activations are quantized in an unknown way. */
    private static Optional<ActivationQuantization> activations(JsonValue.Obj group) {
      try {
        return group
            .find("input_activations")
            .filter(JsonValue.Obj.class::isInstance)
            .map(inputs -> ActivationArguments.read((JsonValue.Obj) inputs));
      } catch (ConfigurationException e) {
        return Optional.empty();
      }
    }

    private WeightArguments weights(String where, JsonValue.Obj weights) {
      String type = weights.text("type").orElse("int");
      boolean floats = type.equals("float");
      if (!floats && !type.equals("int")) {
        throw unsupported(
            where, "weights of type " + quote(type) + " are not supported, only int and float");
      }
      long bits = count(where, weights, "num_bits").orElse(8L);
      if (bits < 2 || bits > 8) {
        throw unsupported(where, bits + " bits are not supported, only 2 to 8");
      }
      boolean symmetric =
          weights.find("symmetric").orElse(JsonValue.Literal.TRUE) == JsonValue.Literal.TRUE;
      return new WeightArguments((int) bits, floats, symmetric, strategy(where, weights));
    }

    private List<String> targets(String where, JsonValue.Obj group) {
      List<String> targets = new ArrayList<>();
      if (group.find("targets").orElse(null) instanceof JsonValue.Arr array) {
        for (JsonValue item : array.items()) {
          if (!(item instanceof JsonValue.Str text)) {
            throw fault(where, "targets holds " + item.kind() + ", not a text");
          }
          targets.add(text.value());
        }
        return targets;
      }
      throw fault(where, "targets is missing or no array");
    }

    private Strategy strategy(String where, JsonValue.Obj weights) {
      long size =
          weights.find("group_size").equals(Optional.of(new JsonValue.Num("-1")))
              ? -1
              : count(where, weights, "group_size").orElse(0L);
      String inferred = size > 0 ? "group" : size < 0 ? "channel" : "tensor";
      String strategy = weights.text("strategy").orElse(inferred);
      return switch (strategy) {
        case "tensor" -> new Strategy.Tensor();
        case "channel" -> new Strategy.Channel();
        case "group" -> new Strategy.Group(groupSize(where, size));
        case "tensor_group" -> new Strategy.TensorGroup(groupSize(where, size));
        case "block" -> block(where, weights);
        default ->
            throw unsupported(
                where,
                "strategy "
                    + quote(strategy)
                    + " is not supported; supported are tensor, channel, group, tensor_group and"
                    + " block");
      };
    }

    private int groupSize(String where, long size) {
      if (size < 1 || size > Integer.MAX_VALUE) {
        throw fault(where, "group_size " + size + " is no size of a group");
      }
      return (int) size;
    }

    private Strategy block(String where, JsonValue.Obj weights) {
      List<Integer> sides = new ArrayList<>();
      if (weights.find("block_structure").orElse(null) instanceof JsonValue.Arr array) {
        for (JsonValue item : array.items()) {
          long side = item instanceof JsonValue.Num n ? n.count().orElse(0L) : 0;
          if (side > 0 && side <= Integer.MAX_VALUE) {
            sides.add((int) side);
          }
        }
        if (sides.size() == 2 && array.items().size() == 2) {
          return new Strategy.Block(sides.get(0), sides.get(1));
        }
      }
      throw fault(where, "block_structure is not the rows and columns of a block");
    }

    private Optional<Long> count(String where, JsonValue.Obj json, String key) {
      Optional<JsonValue> value = json.find(key);
      if (value.isEmpty()) {
        return Optional.empty();
      }
      Optional<Long> count =
          value.get() instanceof JsonValue.Num number ? number.count() : Optional.empty();
      if (count.isEmpty()) {
        throw fault(where, key + " is no count");
      }
      return count;
    }

    private ModelFormatException unsupported(String where, String detail) {
      return new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          file,
          where,
          detail + ". Use the original model, or one in a supported format.");
    }

    private ModelFormatException fault(String where, String detail) {
      return new ModelFormatException(
          Reason.METADATA, file, where, detail + " (quantization_config). Fetch the file again.");
    }
  }
}
