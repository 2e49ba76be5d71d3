package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import java.util.regex.Pattern;

/**
 * The name and version of a scheme, as written to every output.
 *
 * <p>A name is permanent: files written under it must stay readable. A change of the arithmetic is
 * a new version; a scheme reads all its older versions.
 *
 * @param name such as {@code int8}; third parties use {@code vendor/name}
 * @param version 1 or greater
 */
public record SchemeId(String name, int version) {

  private static final Pattern VALID_NAME =
      Pattern.compile("[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,63})?");

  /** Checks name and version. */
  public SchemeId {
    if (!isValidName(name)) {
      throw new ConfigurationException(
          "id "
              + name
              + " is not allowed: lower case letters, digits and dashes, for third parties"
              + " vendor/name, such as int8 or acme/pow2");
    }
    if (version < 1) {
      throw new ConfigurationException("version " + version + " of " + name + ": 1 is the least");
    }
  }

  /**
   * Whether a text may be the id of a plugin of any kind.
   *
   * @param id any text
   * @return true if it is {@code name} or {@code vendor/name} in lower case letters, digits, dashes
   */
  public static boolean isValidName(String id) {
    return VALID_NAME.matcher(id).matches();
  }

  /**
   * Parses the text that {@link #toString()} returns.
   *
   * @param text such as {@code int8@1}
   * @return the id
   * @throws ConfigurationException if the text has another form
   */
  public static SchemeId parse(String text) {
    int at = text.lastIndexOf('@');
    if (at < 0 || !text.substring(at + 1).matches("[1-9][0-9]{0,8}")) {
      throw new ConfigurationException(
          "scheme id " + text + " has no version; the form is name@version, such as int8@1");
    }
    return new SchemeId(text.substring(0, at), Integer.parseInt(text.substring(at + 1)));
  }

  /** {@return such as {@code int8@1}} */
  @Override
  public String toString() {
    return name + "@" + version;
  }
}
