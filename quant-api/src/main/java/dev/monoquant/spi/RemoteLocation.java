package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * Where a folder is that is not on this machine, apart from what must not be written anywhere.
 *
 * @param folder scheme, host, port and path; the path ends with a slash
 * @param userInfo the part before {@code @}, if it was given
 * @param query the part after the question mark, which may hold a signature, if it was given; it
 *     applies to every file of the folder
 */
public record RemoteLocation(URI folder, Optional<Secret> userInfo, Optional<Secret> query) {

  /** Checks that the address holds nothing secret and is a folder. */
  public RemoteLocation {
    requireNonNull(userInfo, "userInfo");
    requireNonNull(query, "query");
    if (folder.getScheme() == null
        || folder.getRawUserInfo() != null
        || folder.getRawQuery() != null
        || folder.getRawFragment() != null
        || folder.getRawPath() == null
        || !folder.getRawPath().endsWith("/")) {
      throw new IllegalArgumentException("not the address of a folder");
    }
  }

  /**
   * {@return whether a text is an address and no path of this machine: a scheme of two letters or
   * more and {@code ://}}
   *
   * @param text any text
   */
  public static boolean isAddress(String text) {
    int colon = text.indexOf("://");
    return colon >= 2
        && text.substring(0, colon)
            .chars()
            .allMatch(c -> c < 128 && (Character.isLetterOrDigit(c) || "+-.".indexOf(c) >= 0));
  }

  /**
   * Reads the address of a folder. The message of a failure does not show the address.
   *
   * @param text such as {@code https://host/llm}, with or without a slash at its end
   * @return the location
   * @throws ConfigurationException if it is no address
   */
  public static RemoteLocation parse(String text) {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw new ConfigurationException(
          "the address of the input (not shown, as it may hold a secret) has a fault at character "
              + e.getIndex()
              + ": "
              + e.getReason()
              + ". Blanks and other special characters are written as %20 and so on");
    }
    if (!isAddress(text) || uri.getRawPath() == null || uri.getRawFragment() != null) {
      throw new ConfigurationException(
          "the address of the input (not shown, as it may hold a secret) is not of the form"
              + " SCHEME://HOST/PATH");
    }
    String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
    int at = authority.lastIndexOf('@');
    String path = uri.getRawPath();
    URI folder =
        URI.create(
            uri.getScheme().toLowerCase(Locale.ROOT)
                + "://"
                + authority.substring(at + 1)
                + (path.endsWith("/") ? path : path + "/"));
    return new RemoteLocation(
        folder,
        at < 0 ? Optional.empty() : Optional.of(new Secret(authority.substring(0, at))),
        Optional.ofNullable(uri.getRawQuery()).map(Secret::new));
  }

  /** {@return the scheme, in lower case} */
  public String scheme() {
    return requireNonNull(folder.getScheme()).toLowerCase(Locale.ROOT);
  }

  /**
   * {@return a file of the folder as messages name it: without anything secret}
   *
   * @param name its name; empty for the folder itself
   */
  public String shown(String name) {
    return file(name).toString();
  }

  /**
   * {@return the address of a file of the folder, without anything secret}
   *
   * @param name its name, with forward slashes; special characters are encoded
   */
  public URI file(String name) {
    StringBuilder path = new StringBuilder(name.length());
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      if (b > 0 && (Character.isLetterOrDigit(b) || "-._~/".indexOf(b) >= 0)) {
        path.append((char) b);
      } else {
        path.append(String.format("%%%02X", b));
      }
    }
    return URI.create(folder + path.toString());
  }
}
