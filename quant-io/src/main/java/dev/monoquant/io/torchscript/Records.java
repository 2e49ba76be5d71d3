package dev.monoquant.io.torchscript;

/** The names of records within the folder of an archive. */
final class Records {

  /** The storages that {@code data.pkl} refers to. */
  static final String DATA = "data/";

  /** The storages that {@code constants.pkl} refers to. */
  static final String CONSTANTS = "constants/";

  static final String CODE = "code/";
  static final String VERSION = "version";
  static final String OLD_VERSION = ".data/version";
  static final String BYTE_ORDER = "byteorder";

  /** The program for the lite interpreter, compiled; it repeats what the code says. */
  static final String BYTECODE = "bytecode.pkl";

  /** Extra files; libtorch returns them by their name after this prefix. */
  static final String EXTRA = "extra/";

  /** The description of a rewritten archive. */
  static final String DESCRIPTION = EXTRA + "monoquant.json";

  /** The hashes of all records and inputs. */
  static final String MANIFEST = EXTRA + "monoquant-manifest.json";

  private Records() {}

  /** {@return whether a record belongs to an archive of any code, or is an extra file} */
  static boolean isCarried(String name) {
    return name.equals(VERSION)
        || name.equals(OLD_VERSION)
        || name.equals(BYTE_ORDER)
        || (name.startsWith(EXTRA) && !name.equals(MANIFEST));
  }

  /** {@return whether a record is a storage} */
  static boolean isStorage(String name) {
    return name.startsWith(DATA) || name.startsWith(CONSTANTS);
  }
}
