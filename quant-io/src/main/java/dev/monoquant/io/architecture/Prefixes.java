package dev.monoquant.io.architecture;

import java.util.List;

/** Names of transformers without the steps that depend on the class around a language model. */
final class Prefixes {

  private static final List<String> OTHER_PARTS =
      List.of(
          "vision_tower.",
          "vision_model.",
          "multi_modal_projector.",
          "model.vision_tower.",
          "model.multi_modal_projector.",
          "model.vision_embed_tokens.");

  private static final List<String> BARE = List.of("layers.", "embed_tokens.", "norm.");

  private static final String LANGUAGE = "language_model.";

  private Prefixes() {}

  /**
   * {@return the name as a causal language model has it, beginning with {@code model.} or {@code
   * lm_head.}}
   *
   * @param name the name of a tensor
   */
  static String strip(String name) {
    int at = name.indexOf(LANGUAGE);
    String own = at < 0 ? name : name.substring(0, at) + name.substring(at + LANGUAGE.length());
    return BARE.stream().anyMatch(own::startsWith) ? "model." + own : own;
  }

  /**
   * {@return whether a tensor belongs to a part that is no language model}
   *
   * @param name the name of a tensor or a layer
   */
  static boolean isOtherPart(String name) {
    return OTHER_PARTS.stream().anyMatch(name::startsWith);
  }
}
