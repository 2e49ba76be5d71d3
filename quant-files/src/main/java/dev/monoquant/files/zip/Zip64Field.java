package dev.monoquant.files.zip;

import java.nio.ByteBuffer;

/**
 * The extra field with the 64-bit values of an entry: those, in a fixed order, that are saturated
 * where they have their usual place.
 */
final class Zip64Field {

  private static final int ID = 1;

  private final ByteBuffer values;
  private final String name;
  private final ZipFault fault;

  private Zip64Field(ByteBuffer values, String name, ZipFault fault) {
    this.values = values;
    this.name = name;
    this.fault = fault;
  }

  /**
   * Walks the extra fields of an entry.
   *
   * @param extra all of them, little-endian
   * @param name the entry, for messages
   * @return the field; without values if there is none
   */
  static Zip64Field find(ByteBuffer extra, String name, ZipFault fault) {
    ByteBuffer found = null;
    while (extra.remaining() >= 4) {
      int id = Short.toUnsignedInt(extra.getShort());
      int length = Short.toUnsignedInt(extra.getShort());
      if (length > extra.remaining()) {
        throw fault.structure(name, "has an extra field that is longer than its header says");
      }
      if (id == ID) {
        if (found != null) {
          throw fault.structure(name, "has two zip64 fields");
        }
        found = extra.slice(extra.position(), length).order(extra.order());
      }
      extra.position(extra.position() + length);
    }
    return new Zip64Field(found == null ? extra.slice(0, 0) : found, name, fault);
  }

  /** {@return whether there are no more values} */
  boolean isEmpty() {
    return !values.hasRemaining();
  }

  /**
   * {@return the value itself, or the next one of this field if it is saturated}
   *
   * @param narrow the value at its usual place
   * @param saturated what stands there if the value is here
   */
  long next(long narrow, long saturated) {
    if (narrow != saturated) {
      return narrow;
    }
    if (values.remaining() < 8) {
      throw fault.structure(name, "has a zip64 field with too few values, or none");
    }
    return values.getLong();
  }
}
