package dev.monoquant.files.remote;

/**
 * The blocks of a file, in which it is fetched: small ones at its start, where headers are, and
 * larger ones for the data, of which much is read.
 *
 * <pre>
 * unit u   | u | u | u | u |     4u     |     4u     | ...  | 64u | 64u | ... to the end of the file
 *          0              4u           8u                  64u
 * </pre>
 *
 * @param unit the bytes of the smallest block
 */
record BlockLayout(int unit) {

  /** 256 KiB; blocks of data have 16 MiB, which take longer than the latency of a request. */
  static final BlockLayout DEFAULT = new BlockLayout(256 << 10);

  private static final int MIDDLE = 4;
  private static final int LARGE = 64;

  /**
   * A range of bytes.
   *
   * @param start the first byte
   * @param length the number of bytes
   */
  record Block(long start, long length) {}

  /** {@return the bytes of the largest block} */
  long largest() {
    return (long) LARGE * unit;
  }

  /**
   * {@return the block with a byte}
   *
   * @param offset the byte; it is in the file
   * @param size the bytes of the file
   */
  Block at(long offset, long size) {
    long step =
        offset < (long) MIDDLE * unit
            ? unit
            : offset < (long) LARGE * unit ? (long) MIDDLE * unit : (long) LARGE * unit;
    long start = offset / step * step;
    return new Block(start, Math.min(step, size - start));
  }
}
