package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The architectures whose initialisation in transformers reads the weights of their Linears. A
 * packed Linear has no weight, so loading fails with "'Linear' object has no attribute 'weight'".
 *
 * <p>Found by initialising each architecture of transformers 5.18 without those weights;
 * architectures that could not be built with their default configuration are not included.
 */
final class InitFromWeights {

  private static final Set<String> MODEL_TYPES =
      Set.of(
          "afmoe",
          "align",
          "altclip",
          "blt",
          "bridgetower",
          "chinese_clip",
          "chinese_clip_vision_model",
          "clap",
          "clipseg",
          "clvp",
          "cohere2_vision",
          "cvt",
          "d_fine",
          "data2vec-audio",
          "deepseek_vl",
          "deepseek_vl_hybrid",
          "deimv2",
          "depth_pro",
          "dinov2",
          "dinov2_with_registers",
          "dinov3_vit",
          "falcon",
          "falcon_mamba",
          "fastspeech2_conformer",
          "fastspeech2_conformer_with_hifigan",
          "gemma3",
          "gpt_bigcode",
          "grounding-dino",
          "groupvit",
          "hiera",
          "ijepa",
          "kosmos-2",
          "lfm2_vl",
          "llava_onevision",
          "longcat_flash",
          "longt5",
          "lw_detr",
          "mamba",
          "mamba2",
          "mask2former",
          "mgp-str",
          "mlcd",
          "mlcd_vision_model",
          "mm-grounding-dino",
          "modernbert",
          "modernbert-decoder",
          "modernvbert",
          "mt5",
          "nanochat",
          "neomme",
          "neucodec",
          "oneformer",
          "owlv2",
          "owlvit",
          "paligemma",
          "pe_audio",
          "phi4_multimodal",
          "phimoe",
          "pi0",
          "pp_doclayout_v3",
          "pvt",
          "pvt_v2",
          "radio",
          "recurrent_gemma",
          "rf_detr",
          "rt_detr",
          "rt_detr_v2",
          "rwkv",
          "sam3_lite_text",
          "sam3_lite_text_text_model",
          "sapiens2",
          "seamless_m4t",
          "seamless_m4t_v2",
          "seggpt",
          "siglip",
          "siglip2",
          "siglip2_vision_model",
          "siglip_vision_model",
          "swiftformer",
          "swin2sr",
          "switch_transformers",
          "t5",
          "t5gemma2",
          "timesformer",
          "tipsv2",
          "tipsv2_vision_model",
          "udop",
          "umt5",
          "unispeech",
          "unispeech-sat",
          "videoprism",
          "videoprism_vision_model",
          "vitdet",
          "vjepa2",
          "wav2vec2",
          "wav2vec2-bert",
          "wav2vec2-conformer",
          "wavlm",
          "xclip",
          "xcodec",
          "xcodec2",
          "xlstm");

  private static final String TYPE = "model_type";

  private InitFromWeights() {}

  /**
   * {@return the warnings, a sentence for each part of the model; empty if there are none}
   *
   * @param config config.json
   */
  static List<String> warnings(ModelConfig config) {
    List<String> warnings = new ArrayList<>();
    config
        .root()
        .text(TYPE)
        .filter(MODEL_TYPES::contains)
        .ifPresent(
            type ->
                warnings.add(
                    warning("the architecture " + quote(type))
                        + "Load it with dequantize=True of a later version, or write a .safetensors"
                        + " output, which can be decoded"));
    if (warnings.isEmpty()) {
      Map<String, String> parts = new TreeMap<>();
      config
          .root()
          .members()
          .forEach(
              (key, value) -> {
                if (value instanceof JsonValue.Obj part) {
                  part.text(TYPE).filter(MODEL_TYPES::contains).ifPresent(t -> parts.put(key, t));
                }
              });
      parts.forEach(
          (key, type) ->
              warnings.add(
                  warning("its part " + quote(type) + " (" + key + ")")
                      + "Exclude the layers of that part, unless they are excluded already"));
    }
    return warnings;
  }

  private static String warning(String subject) {
    return "transformers 5.18 initialises "
        + subject
        + " from the weights of its Linears, and fails to load it where they are packed. ";
  }
}
