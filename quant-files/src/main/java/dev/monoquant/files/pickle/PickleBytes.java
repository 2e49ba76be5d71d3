package dev.monoquant.files.pickle;

/** A {@code bytes} or {@code bytearray}. */
public final class PickleBytes implements PickleValue {

  private final byte[] value;

  /**
   * Takes the bytes over.
   *
   * @param value the bytes
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
