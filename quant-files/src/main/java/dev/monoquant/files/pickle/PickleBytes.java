package dev.monoquant.files.pickle;

/** A {@code bytes} or {@code bytearray}. */
public final class PickleBytes implements PickleValue {

  private final byte[] value;

  /**
   * Makes a value of some bytes.
   *
   * @param value the bytes; not copied
   */
  public PickleBytes(byte[] value) {
    this.value = value;
  }

  /** {@return a copy of the bytes} */
  public byte[] value() {
    return value.clone();
  }

  @Override
  public String kind() {
    return "bytes";
  }
}
