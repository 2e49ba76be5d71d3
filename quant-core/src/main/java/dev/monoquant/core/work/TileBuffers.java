package dev.monoquant.core.work;

/**
 * The scratch memory of one thread, grown to the largest tile and reused: allocating memory for
 * each tile would cost more than the arithmetic.
 */
public final class TileBuffers {

  private float[] original = new float[0];
  private float[] decoded = new float[0];
  private float[] handedOut = new float[0];

  public float[] original(int elements) {
    if (original.length < elements) {
      original = new float[elements];
    }
    return original;
  }

  /**
   * The buffer for the copy of a tile that a plugin receives; the plugin owns it until its call
   * returns.
   */
  public float[] handedOut(int elements) {
    if (handedOut.length < elements) {
      handedOut = new float[elements];
    }
    return handedOut;
  }

  public float[] decoded(int elements) {
    if (decoded.length < elements) {
      decoded = new float[elements];
    }
    return decoded;
  }
}
