package dev.monoquant.core.foreign;

import dev.monoquant.QuantException;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The quantization method that a configuration file declares.
 *
 * <pre>
 * config.json             "quantization_config": {"quant_method": "gptq", "bits": 4, ...}
 *                         also inside of "text_config" and the like; "compression_config" of old;
 *                         "quantization": {"group_size": 64, "bits": 4} of MLX
 * quantize_config.json    {"bits": 4, "group_size": 128, ...} of GPTQ, quant_config.json of AWQ
 * hf_quant_config.json    {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}
 * </pre>
 *
 * <p>A {@code quantization_config} that is no object declares a method without a name; {@code null}
 * and an empty object declare none, as for transformers.
 *
 * @param method the common name of the method, as far as the file states it
 * @param where the key and the file
 */
record DeclaredMethod(String method, String where) {

  /** Keys that identify a configuration of quantization; the first one found is shown. */
  private static final List<String> DETAILS =
      List.of("format", "quant_algo", "bnb_4bit_quant_type", "bits", "w_bit", "num_bits");

  private static final String NAMELESS = "a method without a name";

  private static final List<String> SIZES = List.of("group_size", "q_group_size");

  /**
   * {@return the methods that the files declare, in the order of the files}
   *
   * @param files the side files of the model
   * @param limits bounds on sizes and depths that are read
   * @throws IOException if a file cannot be read
   * @throws dev.monoquant.ModelFormatException if one is not strict JSON or over a limit
   */
  static List<DeclaredMethod> read(List<SideFile> files, ReadLimits limits) throws IOException {
    List<DeclaredMethod> found = new ArrayList<>();
    for (SideFile file : files) {
      Optional<String> own = Optional.ofNullable(ModelConfig.QUANTIZATION_FILES.get(file.name()));
      boolean config = file.name().equals(ModelConfig.FILE);
      if ((own.isPresent() || config || file.name().equals(ModelConfig.MODEL_OPT))
          && ModelConfig.parse(file, limits) instanceof JsonValue.Obj object) {
        if (config) {
          config(object, found);
        } else {
          own.map(method -> declared(object, method.toUpperCase(Locale.ROOT), file.name()))
              .orElseGet(() -> modelOpt(object))
              .ifPresent(found::add);
        }
      }
    }
    return found;
  }

  /** Searches at any depth: a vision-language model has one for each of its parts. */
  private static void config(JsonValue.Obj config, List<DeclaredMethod> found) {
    if (config.find("quantization").orElse(null) instanceof JsonValue.Obj object) {
      declared(object, "MLX", "quantization of " + ModelConfig.FILE).ifPresent(found::add);
    }
    nested(config, found);
  }

  private static void nested(JsonValue.Obj object, List<DeclaredMethod> found) {
    object
        .members()
        .forEach(
            (key, value) -> {
              String where = key + " of " + ModelConfig.FILE;
              boolean quantization = ModelConfig.isQuantization(key);
              if (value instanceof JsonValue.Obj inner) {
                if (!quantization) {
                  nested(inner, found);
                } else if (!inner.members().isEmpty()) {
                  String method = inner.text("quant_method").orElse(NAMELESS);
                  found.add(new DeclaredMethod(detailed(method, inner), where));
                }
              } else if (quantization && value != JsonValue.Literal.NULL) {
                found.add(new DeclaredMethod(NAMELESS, where + ", which is " + value.kind()));
              }
            });
  }

  private static Optional<DeclaredMethod> modelOpt(JsonValue.Obj file) {
    if (!(file.find("quantization").orElse(null) instanceof JsonValue.Obj quantization)) {
      return Optional.empty();
    }
    String producer =
        file.find("producer").orElse(null) instanceof JsonValue.Obj object
            ? object.text("name").orElse("modelopt")
            : "modelopt";
    return Optional.of(new DeclaredMethod(detailed(producer, quantization), ModelConfig.MODEL_OPT));
  }

  /** Files with these names also have other uses, so their contents are checked. */
  private static Optional<DeclaredMethod> declared(
      JsonValue.Obj object, String otherwise, String where) {
    Optional<String> method = object.text("quant_method");
    boolean sized =
        DETAILS.stream().anyMatch(k -> object.find(k).isPresent())
            || SIZES.stream().anyMatch(k -> object.find(k).isPresent());
    return method.isPresent() || sized
        ? Optional.of(new DeclaredMethod(detailed(method.orElse(otherwise), object), where))
        : Optional.empty();
  }

  private static String detailed(String method, JsonValue.Obj object) {
    for (String bits : List.of("8", "4")) {
      // bitsandbytes writes its 4-bit type in upper or lower case.
      if (object.find("load_in_" + bits + "bit").orElse(null) == JsonValue.Literal.TRUE
          && !(bits.equals("4") && object.find("bnb_4bit_quant_type").isPresent())) {
        return plain(method) + " (" + bits + " bits)";
      }
    }
    for (String key : DETAILS) {
      JsonValue value = object.find(key).orElse(JsonValue.Literal.NULL);
      if (value instanceof JsonValue.Str text) {
        return plain(method) + " (" + plain(text.value()) + ")";
      } else if (value instanceof JsonValue.Num number) {
        return plain(method) + " (" + plain(number.text()) + " bits)";
      }
    }
    return plain(method);
  }

  /** A word from a file: unchanged if it is plain, otherwise quoted. */
  private static String plain(String word) {
    boolean harmless =
        word.length() <= 40
            && word.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '"' && c != '\\');
    return harmless || word.equals(NAMELESS) ? word : QuantException.quote(word);
  }
}
