package dev.monoquant.io.architecture;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.Hyperparameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The rotary embeddings that config.json describes, in the words of all versions of transformers:
 * {@code rope_parameters}, or {@code rope_scaling} and {@code rope_theta}.
 *
 * @param values the object of the scaling; empty if there is none
 * @param type the type of the scaling, {@code default} without one
 * @param theta the base of the frequencies
 */
public record Rotary(Hyperparameters values, String type, double theta) {

  private static final String FULL = "full_attention";
  private static final String THETA = "rope_theta";

  /**
   * {@return the embeddings of full attention}
   *
   * @param config the values of config.json
   * @param usual the base if config.json has none
   */
  public static Rotary of(Hyperparameters config, double usual) {
    Hyperparameters all = all(config);
    Hyperparameters own = all.part(FULL).orElse(all);
    String type = own.text("rope_type").or(() -> own.text("type")).orElse("default");
    double theta = own.number(THETA).or(() -> config.number(THETA)).orElse(usual);
    return new Rotary(own, type.toLowerCase(Locale.ROOT), theta);
  }

  /**
   * {@return the base of sliding attention; empty if it is the same}
   *
   * @param config the values of config.json
   */
  static Optional<Double> slidingTheta(Hyperparameters config) {
    return all(config)
        .part("sliding_attention")
        .flatMap(part -> part.number(THETA))
        .or(() -> config.number("rope_local_base_freq"));
  }

  private static Hyperparameters all(Hyperparameters config) {
    return config
        .part("rope_parameters")
        .or(() -> config.part("rope_scaling"))
        .orElseGet(() -> new Hyperparameters(config.file(), Map.of()));
  }

  /** Adds what the metadata says of the scaling and the base. */
  void describe(MappingBuilder to, Hyperparameters config) {
    switch (type) {
      case "linear", "yarn" -> {
        to.put("rope.scaling.type", type);
        to.put("rope.scaling.factor", required("factor"));
        if (type.equals("yarn")) {
          to.put(
              "rope.scaling.original_context_length",
              values
                  .count("original_max_position_embeddings")
                  .orElseGet(() -> config.require("original_max_position_embeddings")));
          optional(to, "yarn_ext_factor", "extrapolation_factor");
          optional(
              to,
              "yarn_attn_factor",
              values.values().containsKey("attention_factor") ? "attention_factor" : "attn_factor");
          attention(to);
          optional(to, "yarn_beta_fast", "beta_fast");
          optional(to, "yarn_beta_slow", "beta_slow");
        }
      }
      case "su", "longrope" -> to.put("rope.scaling.type", "longrope");
      case "default", "llama3" -> {
        // Without a key: llama3 has a tensor of factors.
      }
      default ->
          throw new ConfigurationException(
              config.file()
                  + ": rotary embeddings of type "
                  + quote(type)
                  + " cannot be stored as GGUF; default, linear, yarn, llama3 and longrope can."
                  + " Write a .safetensors file instead");
    }
    to.put("rope.freq_base", (float) theta);
  }

  /**
   * llama.cpp multiplies by {@code attn_factor} what it computes of the factor; an {@code
   * attention_factor} stands in its place.
   */
  private void attention(MappingBuilder to) {
    double usual = 0.1 * Math.log(Math.max(1, required("factor"))) + 1;
    double own = values.number("attention_factor").orElse(usual);
    if (Math.abs(own - usual) > 1e-6 * usual) {
      to.put("rope.scaling.attn_factor", (float) (own / usual));
    }
  }

  private void optional(MappingBuilder to, String key, String from) {
    values.number(from).ifPresent(number -> to.put("rope.scaling." + key, number.floatValue()));
  }

  private Float required(String key) {
    return values
        .number(key)
        .orElseThrow(
            () ->
                new ConfigurationException(
                    values.file()
                        + ": rotary embeddings of type "
                        + quote(type)
                        + " need the value "
                        + quote(key)
                        + ". Fetch config.json again"))
        .floatValue();
  }

  /**
   * The divisors of the frequencies that {@code llama3} computes, as convert_hf_to_gguf.py of
   * llama.cpp does, in binary32. Source: Llama 3.1, {@code _compute_llama3_parameters} of
   * transformers.
   *
   * @param width the numbers of a head
   * @return a divisor for each pair of numbers
   */
  public List<Float> llama3Factors(int width) {
    float factor = number("factor", 8);
    float low = number("low_freq_factor", 1);
    float high = number("high_freq_factor", 4);
    float context = number("original_max_position_embeddings", 8192);
    List<Float> factors = new ArrayList<>();
    for (int i = 0; i < width; i += 2) {
      float frequency = 1 / (float) Math.pow((float) theta, (float) i / width);
      float wave = (float) (2 * Math.PI) / frequency;
      if (wave < context / high) {
        factors.add(1f);
      } else if (wave > context / low) {
        factors.add(factor);
      } else {
        float smooth = (context / wave - low) / (high - low);
        factors.add(1 / ((1 - smooth) / factor + smooth));
      }
    }
    return factors;
  }

  private float number(String key, double usual) {
    return values.number(key).orElse(usual).floatValue();
  }
}
