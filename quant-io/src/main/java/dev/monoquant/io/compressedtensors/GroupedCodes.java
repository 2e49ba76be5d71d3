package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.Formula;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * What GPTQ and AWQ say of all weights of a directory at once.
 *
 * @param bits bits of a code
 * @param group inputs that share a scale; -1 if all do
 * @param symmetric whether no weight has zero points
 */
record GroupedCodes(int bits, long group, boolean symmetric) {

  private static final long ROW = -1;

  /**
   * {@return what the weights have in common}
   *
   * @param format the id of the format, for messages
   * @param weights the weights, at least one
   * @param groups the inputs that share a scale of a weight
   * @throws ConfigurationException if codes or groups differ
   */
  static GroupedCodes of(
      String format, List<EncodedWeight> weights, Function<EncodedWeight, OptionalLong> groups) {
    boolean rows =
        weights.stream().allMatch(w -> groups.apply(w).orElseThrow() == w.matrix().columnCount());
    EncodedWeight first = weights.get(0);
    GroupedCodes common =
        new GroupedCodes(
            bits(first),
            rows ? ROW : groups.apply(first).orElseThrow(),
            weights.stream().allMatch(w -> affine(w).zeroPoint().isEmpty()));
    for (EncodedWeight weight : weights) {
      long group = rows ? ROW : groups.apply(weight).orElseThrow();
      if (bits(weight) != common.bits() || group != common.group()) {
        throw new ConfigurationException(
            "format "
                + format
                + " has codes of one width and groups of one size for all weights: "
                + quote(first.name())
                + " has "
                + text(common.bits(), common.group())
                + ", "
                + quote(weight.name())
                + " has "
                + text(bits(weight), group)
                + ". Quantize all alike, exclude one of them, or choose --format"
                + " compressed-tensors");
      }
    }
    return common;
  }

  private static String text(int bits, long group) {
    return bits + " bits in " + (group == ROW ? "whole rows" : "groups of " + group);
  }

  private static int bits(EncodedWeight weight) {
    return weight.encoding().part(affine(weight).codes()).type().bits();
  }

  static Formula.Affine affine(EncodedWeight weight) {
    return (Formula.Affine) weight.encoding().formula();
  }

  /**
   * {@return why such a weight does not fit, as far as both formats have the same limits}
   *
   * @param weight the weight
   * @param group its group; empty if its parts do not fit
   * @param format the id of the format
   * @param codes the codes that fit, for messages
   * @param outputs what its outputs must be a multiple of
   */
  static Optional<String> refusal(
      EncodedWeight weight, OptionalLong group, String format, String codes, int outputs) {
    if (group.isEmpty()) {
      return Optional.of(
          "scheme "
              + weight.scheme()
              + " is not made of integers of "
              + codes
              + " bits with scales and zero points for each row or group of columns, which is all"
              + " that format "
              + format
              + " holds");
    }
    if (weight.activations().isPresent()) {
      return Optional.of(
          "its inputs are to be quantized too, and format " + format + " holds weights only");
    }
    long rows = weight.matrix().rowCount();
    long columns = weight.matrix().columnCount();
    if (rows % outputs != 0) {
      return Optional.of(
          "its "
              + rows
              + " outputs are no multiple of "
              + outputs
              + ", which format "
              + format
              + " asks for");
    }
    return columns % group.getAsLong() == 0
        ? Optional.empty()
        : Optional.of(
            "groups of " + group.getAsLong() + " do not divide its " + columns + " inputs");
  }
}
