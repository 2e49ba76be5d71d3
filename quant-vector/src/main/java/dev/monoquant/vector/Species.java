package dev.monoquant.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The vectors that are used: of as many floats, integers, shorts or bytes. */
final class Species {

  static final VectorSpecies<Float> FLOATS = floats();
  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
  static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 4));

  private Species() {}

  /**
   * The processor's own, between 256 and 512 bits: a quarter of it must be a vector, and its lanes
   * must divide the sums of a block.
   */
  private static VectorSpecies<Float> floats() {
    int bits = Math.min(512, Math.max(256, FloatVector.SPECIES_PREFERRED.vectorBitSize()));
    return VectorSpecies.of(float.class, VectorShape.forBitSize(bits));
  }
}
