package dev.monoquant.io.compressedtensors;

import dev.monoquant.ConfigurationException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.ActivationQuantization.Dynamic;
import dev.monoquant.spi.ActivationQuantization.Strategy;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Reads and writes how {@code config.json} says that activations or the KV cache are quantized.
 *
 * <pre>
 * {"dynamic": true, "num_bits": 8, "strategy": "token", "symmetric": true, "type": "int"}
 * {"dynamic": true, "group_size": 128, "num_bits": 8, "strategy": "group", ...}
 * {"dynamic": "local", "group_size": 16, "num_bits": 4, "strategy": "tensor_group", ...}
 * {"dynamic": false, "num_bits": 8, "strategy": "tensor", ...}
 * </pre>
 */
final class ActivationArguments {

  private ActivationArguments() {}

  /**
   * {@return the fields that have a value}
   *
   * @param activations how they are quantized
   * @param scaleType the type of their scales, which {@code config.json} gives only for FP4 and MX
   */
  static JsonValue.Obj json(ActivationQuantization activations, Optional<String> scaleType) {
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("num_bits", JsonValue.Num.of(activations.bits()));
    json.put("type", JsonValue.of(activations.type().wire()));
    json.put("symmetric", JsonValue.of(activations.symmetric()));
    json.put("strategy", JsonValue.of(activations.strategy().wire()));
    json.put(
        "dynamic",
        activations.dynamic() == Dynamic.LOCAL
            ? JsonValue.of("local")
            : JsonValue.of(activations.dynamic() == Dynamic.YES));
    activations.groupSize().ifPresent(size -> json.put("group_size", JsonValue.Num.of(size)));
    scaleType
        .filter(type -> activations.strategy().isGrouped())
        .ifPresent(type -> json.put("scale_dtype", JsonValue.of(type)));
    return new JsonValue.Obj(json);
  }

  /**
   * {@return how activations are quantized}
   *
   * @param json the fields; absent fields have the defaults of {@code QuantizationArgs}
   * @throws ConfigurationException if a field has an unknown value
   */
  static ActivationQuantization read(JsonValue.Obj json) {
    long size = number(json, "group_size").orElse(0L);
    Strategy strategy =
        json.text("strategy")
            .map(Strategy::parse)
            .orElse(size > 0 ? Strategy.GROUP : Strategy.TENSOR);
    JsonValue dynamic = json.find("dynamic").orElse(JsonValue.Literal.FALSE);
    boolean local = json.text("dynamic").filter(d -> d.equals("local")).isPresent();
    return new ActivationQuantization(
        (int) Math.min(Integer.MAX_VALUE, number(json, "num_bits").orElse(8L)),
        NumberType.parse(json.text("type").orElse("int")),
        strategy,
        size > 0 ? OptionalInt.of((int) Math.min(Integer.MAX_VALUE, size)) : OptionalInt.empty(),
        json.find("symmetric").orElse(JsonValue.Literal.TRUE) == JsonValue.Literal.TRUE,
        local ? Dynamic.LOCAL : dynamic == JsonValue.Literal.TRUE ? Dynamic.YES : Dynamic.NO);
  }

  private static Optional<Long> number(JsonValue.Obj json, String key) {
    return json.find(key)
        .flatMap(value -> value instanceof JsonValue.Num n ? n.count() : Optional.empty());
  }
}
