package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One of the {@code config_groups}: how the weights of some layers are quantized.
 *
 * @param name its name, such as {@code group_0}
 * @param targets exact module names, {@code re:} and a regex, or class names
 * @param packed whether weights are packed into words; else a code takes a byte
 * @param bits bits of a code, 2 to 8
 * @param symmetric whether there is no zero point
 * @param strategy how many numbers share a scale
 */
record ConfigGroup(
    String name,
    List<String> targets,
    boolean packed,
    int bits,
    boolean symmetric,
    Strategy strategy) {

  private static final Set<String> BYTES = Set.of("int-quantized", "naive-quantized");

  /** Reads the groups of a {@code quantization_config}. */
  static List<ConfigGroup> read(JsonValue.Obj config, String file) {
    return new Reader(file).groups(config);
  }

  private record Reader(String file) {

    List<ConfigGroup> groups(JsonValue.Obj config) {
      String method = config.text("quant_method").orElse("");
      if (!method.equals(ConfigWriter.METHOD)) {
        throw unsupported("", "quant_method " + quote(method) + " is not " + ConfigWriter.METHOD);
      }
      refuseSparse(config);
      String format = config.text("format").orElse(ConfigWriter.PACK);
      List<ConfigGroup> groups = new ArrayList<>();
      if (format.equals("dense")) {
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

    private ConfigGroup group(String name, String where, JsonValue.Obj group, String global) {
      String format = group.text("format").orElse(global);
      if (!format.equals(ConfigWriter.PACK) && !BYTES.contains(format)) {
        throw unsupported(
            where,
            "format "
                + quote(format)
                + " is not supported; supported are pack-quantized, int-quantized and"
                + " naive-quantized");
      }
      if (!(group.members().get("weights") instanceof JsonValue.Obj weights)) {
        throw fault(where, "weights is no object");
      }
      String type = weights.text("type").orElse("int");
      if (!type.equals("int")) {
        throw unsupported(where, "weights of type " + quote(type) + " are not supported, only int");
      }
      long bits = count(where, weights, "num_bits").orElse(8L);
      if (bits < 2 || bits > 8) {
        throw unsupported(where, bits + " bits are not supported, only 2 to 8");
      }
      boolean symmetric =
          weights.find("symmetric").orElse(JsonValue.Literal.TRUE) == JsonValue.Literal.TRUE;
      return new ConfigGroup(
          name,
          targets(where, group),
          format.equals(ConfigWriter.PACK),
          (int) bits,
          symmetric,
          strategy(where, weights));
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
        case "group" -> {
          if (size < 1 || size > Integer.MAX_VALUE) {
            throw fault(where, "group_size " + size + " is no size of a group");
          }
          yield new Strategy.Group((int) size);
        }
        default ->
            throw unsupported(
                where,
                "strategy "
                    + quote(strategy)
                    + " is not supported; supported are tensor, channel and group");
      };
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
