package dev.monoquant.core.foreign;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The name of a parameter as words in lower case, without the words for codes and scales: {@code
 * gate_up_proj_blocks} and {@code gate_up_proj_scales} both give {@code gate up proj}, {@code
 * weight} and {@code weight_scale_inv} both give nothing, so they belong together.
 *
 * @param rest the remaining words
 * @param scale whether it is a name for scales of weights
 * @param codes whether it may be the name of codes
 */
record NameWords(String rest, boolean scale, boolean codes) {

  private static final Set<String> SCALES =
      Set.of(
          "scale", "scales", "wscale", "wscales", "qscale", "qscales", "scb", "absmax", "amax",
          "absmean", "scaling", "alpha", "delta", "s");

  /** Words of tensors that occur with scales but are neither codes nor evidence for them. */
  private static final Set<String> OTHERS =
      Set.of("zero", "zeros", "qzero", "qzeros", "zp", "zeropoint", "min", "max");

  /** Words that qualify a scale. */
  private static final Set<String> QUALIFIERS =
      Set.of("inv", "block", "blocks", "group", "groups", "channel", "row", "factor");

  /** Words for weights and their codes. */
  private static final Set<String> WEIGHTS =
      Set.of(
          "weight",
          "weights",
          "w",
          "q",
          "qw",
          "qweight",
          "qweights",
          "kernel",
          "packed",
          "code",
          "codes",
          "quantized",
          "quant",
          "int",
          "int8",
          "int4",
          "uint8",
          "uint4",
          "fp8",
          "fp4",
          "f8",
          "f4",
          "nf4",
          "e4m3",
          "e5m2",
          "e2m1",
          "mxfp4",
          "mxfp8",
          "nvfp4",
          "8bit",
          "4bit");

  /** Scales of activations, attention or residuals: parameters of unquantized models. */
  private static final Set<String> NOT_OF_WEIGHTS =
      Set.of(
          "input",
          "output",
          "act",
          "activation",
          "activations",
          "k",
          "v",
          "kv",
          "logit",
          "logits",
          "layer",
          "attn",
          "attention",
          "residual",
          "shift",
          "table",
          "bound",
          "loss",
          "grad");

  /** Integer tensors of unquantized models and checkpoints. */
  private static final Set<String> NO_CODES =
      Set.of(
          "bias",
          "mask",
          "masks",
          "index",
          "indices",
          "idx",
          "idxs",
          "id",
          "ids",
          "position",
          "positions",
          "count",
          "counts",
          "counter",
          "length",
          "lengths",
          "offset",
          "offsets",
          "cdf",
          "image",
          "images",
          "img",
          "imgs",
          "pixel",
          "pixels",
          "frame",
          "frames",
          "label",
          "labels",
          "target",
          "targets",
          "token",
          "tokens",
          "table",
          "lut",
          "bucket",
          "buckets",
          "step",
          "steps",
          "seed",
          "rng",
          "state",
          "state1",
          "state2",
          "version",
          "shape",
          "size",
          "sizes",
          "map",
          "history",
          "bins",
          "edges",
          "quantile",
          "quantiles",
          "bound",
          "bounds",
          "batches",
          "x",
          "y",
          "data",
          "sample",
          "samples",
          "input",
          "inputs",
          "output",
          "outputs");

  /**
   * {@return the words of a parameter's name}
   *
   * @param param the name within its module
   */
  static NameWords of(String param) {
    List<String> rest = new ArrayList<>();
    boolean scale = false;
    boolean codes = true;
    boolean ofWeights = true;
    for (String word : split(param)) {
      boolean number = word.chars().allMatch(Character::isDigit);
      String bare = number ? word : withoutNumber(word);
      if (SCALES.contains(bare)) {
        scale = true;
        codes = false;
      } else if (OTHERS.contains(bare)) {
        codes = false;
        ofWeights = false;
      } else if (!(WEIGHTS.contains(word) || QUALIFIERS.contains(word) || (number && scale))) {
        codes &= !NO_CODES.contains(word);
        ofWeights &= !NOT_OF_WEIGHTS.contains(word);
        rest.add(word);
      }
    }
    return new NameWords(String.join(" ", rest), scale && ofWeights, codes);
  }

  private static String withoutNumber(String word) {
    int end = word.length();
    while (end > 0 && Character.isDigit(word.charAt(end - 1))) {
      end--;
    }
    return word.substring(0, end);
  }

  private static List<String> split(String param) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    for (char c : param.toLowerCase(Locale.ROOT).toCharArray()) {
      if (Character.isLetterOrDigit(c)) {
        word.append(c);
      } else if (!word.isEmpty()) {
        words.add(word.toString());
        word.setLength(0);
      }
    }
    if (!word.isEmpty()) {
      words.add(word.toString());
    }
    return words;
  }
}
