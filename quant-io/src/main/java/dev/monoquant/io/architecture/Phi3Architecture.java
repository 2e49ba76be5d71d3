package dev.monoquant.io.architecture;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Phi-3, Phi-3.5 and Phi-4 (mini). The factors of long contexts are the tensors {@code
 * rope_factors_long.weight} and {@code rope_factors_short.weight}. Source: {@code
 * conversion/phi.py} of llama.cpp.
 */
@AutoService(GgufArchitecture.class)
public final class Phi3Architecture implements GgufArchitecture {

  private static final String ORIGINAL = "original_max_position_embeddings";

  /** Made by the service loader. */
  public Phi3Architecture() {}

  @Override
  public String id() {
    return "phi3";
  }

  @Override
  public Set<String> models() {
    return Set.of("Phi3ForCausalLM");
  }

  @Override
  public GgufMapping map(String modelClass, ModelInfo model, Hyperparameters config) {
    MappingBuilder to = new MappingBuilder("phi3", model);
    Decoder decoder = new Decoder(to, model, config, Decoder.NAMES);
    int hidden = config.require("hidden_size");
    int heads = config.require("num_attention_heads");
    int context = config.require("max_position_embeddings");
    Rotary rotary = Rotary.of(config, 1e4);
    int original = rotary.values().count(ORIGINAL).or(() -> config.count(ORIGINAL)).orElse(context);
    double part =
        rotary
            .values()
            .number("partial_rotary_factor")
            .or(() -> config.number("partial_rotary_factor"))
            .orElse(1.0);
    int width = (int) (part * hidden) / heads;
    List<Double> longFactors = rotary.values().numbers("long_factor");
    List<Double> shortFactors = rotary.values().numbers("short_factor");
    if (!longFactors.isEmpty()) {
      if (longFactors.size() != shortFactors.size() || longFactors.size() * 2 != width) {
        throw new ConfigurationException(
            config.file()
                + ": long_factor and short_factor have "
                + longFactors.size()
                + " and "
                + shortFactors.size()
                + " numbers, and "
                + width
                + " numbers of a head need half as many. Fetch config.json again");
      }
      to.put("rope.scaling.attn_factor", attention(rotary, context, original));
      to.numbers("rope_factors_long.weight", floats(longFactors));
      to.numbers("rope_factors_short.weight", floats(shortFactors));
    }
    to.activation(config, "hidden_act", "silu", "swish");
    to.put("context_length", context);
    to.put("rope.scaling.original_context_length", original);
    to.put("embedding_length", hidden);
    to.put("feed_forward_length", config.require("intermediate_size"));
    to.put("block_count", config.require("num_hidden_layers"));
    to.put("attention.head_count", heads);
    to.put("attention.head_count_kv", config.count("num_key_value_heads").orElse(heads));
    to.put(
        "attention.layer_norm_rms_epsilon",
        config.number("rms_norm_eps").orElse(1e-5).floatValue());
    to.put("rope.dimension_count", width);
    to.put("rope.freq_base", (float) rotary.theta());
    // 0 tells Phi-4, whose attention is not limited, from other models of this architecture.
    to.put("attention.sliding_window", config.count("sliding_window").orElse(0));
    decoder.map();
    return to.build();
  }

  private static Float attention(Rotary rotary, int context, int original) {
    double scale = (double) context / original;
    if (scale <= 1) {
      return 1f;
    }
    return switch (rotary.type()) {
      case "su", "longrope" -> (float) Math.sqrt(1 + Math.log(scale) / Math.log(original));
      case "yarn" -> (float) (0.1 * Math.log(scale) + 1);
      default ->
          throw new ConfigurationException(
              rotary.values().file()
                  + ": rotary embeddings of Phi-3 with factors are of type longrope, su or yarn, not "
                  + rotary.type()
                  + ". Fetch config.json again");
    };
  }

  private static List<Float> floats(List<Double> numbers) {
    List<Float> floats = new ArrayList<>();
    numbers.forEach(number -> floats.add(number.floatValue()));
    return floats;
  }
}
