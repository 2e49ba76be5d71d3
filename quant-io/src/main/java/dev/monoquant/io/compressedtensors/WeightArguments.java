package dev.monoquant.io.compressedtensors;

/**
 * How weights are quantized, with the names of compressed-tensors ({@code QuantizationArgs}).
 *
 * @param bits bits of a code: 2 to 8 of integers, 4 or 8 of floats
 * @param floats whether codes are floating point numbers, F4 or F8_E4M3; else signed integers
 * @param symmetric whether there is no zero point
 * @param strategy how many numbers share a scale
 */
record WeightArguments(int bits, boolean floats, boolean symmetric, Strategy strategy) {

  /** {@return such as {@code int4 group}, for messages} */
  String text() {
    return (floats ? "float" : "int")
        + bits
        + " "
        + strategy.wire()
        + (symmetric ? "" : " with zero points");
  }
}
