package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.RemoteLocation;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;

/**
 * An input as an argument of the command line: a path, or the address of a remote one, which is not
 * interpreted yet.
 *
 * @param text the argument; an address may hold secrets
 * @param local the path, if it is one
 */
record InputArgument(String text, Optional<Path> local) {

  /** Converts arguments. */
  static final class Converter implements ITypeConverter<InputArgument> {
    @Override
    public InputArgument convert(String text) {
      return new InputArgument(
          text,
          RemoteLocation.isAddress(text)
              ? Optional.empty()
              : Optional.of(PathArgument.parse(text)));
    }
  }

  /** {@return the path, where a model has to be on this machine} */
  Path requireLocal() {
    return local.orElseThrow(
        () ->
            new ConfigurationException(
                this
                    + ": this command runs the model, which has to be a file of this machine. Fetch"
                    + " it and give that"));
  }

  /** {@return a text without what an address must not show} */
  static String shown(String text) {
    if (!RemoteLocation.isAddress(text)) {
      return text;
    }
    int query = text.indexOf('?');
    String plain = query < 0 ? text : text.substring(0, query);
    int start = plain.indexOf("://") + 3;
    int slash = plain.indexOf('/', start);
    int at = plain.lastIndexOf('@', slash < 0 ? plain.length() : slash);
    return at < start ? plain : plain.substring(0, start) + plain.substring(at + 1);
  }

  /**
   * {@return a message without what addresses must not show}
   *
   * @param message text that may quote arguments
   * @param args the arguments
   */
  static String withoutSecrets(@Nullable String message, String... args) {
    String safe = String.valueOf(message);
    for (String arg : args) {
      safe = safe.replace(arg, shown(arg));
    }
    return safe;
  }

  @Override
  public String toString() {
    return shown(text);
  }
}
