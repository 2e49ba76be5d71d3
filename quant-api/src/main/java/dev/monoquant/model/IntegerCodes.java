package dev.monoquant.model;

/**
 * How {@link Kernels#integerCodes} computes the codes of numbers that share a scale. Immutable and
 * thread-safe; it checks nothing.
 *
 * @param scale what numbers are divided by
 * @param zero the zero point; 0 if there is none
 * @param step two to the power of the number of digits that float32 has more than the type whose
 *     digits quotients and sums have; 1 for FLOAT32
 * @param min the least code, at least -128
 * @param max the greatest code, at most 127
 */
public record IntegerCodes(float scale, float zero, float step, float min, float max) {}
