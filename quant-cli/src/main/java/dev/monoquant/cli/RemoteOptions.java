package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.files.remote.StagedFiles;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.Secret;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * The options for remote inputs. What grants access comes from the environment, so that it is in no
 * history of commands.
 */
final class RemoteOptions implements AutoCloseable {

  /** The environment variable with a header of requests. */
  static final String HEADER = "QUANT_HTTP_HEADER";

  /** The environment variable with what follows the question mark of addresses without one. */
  static final String QUERY = "QUANT_HTTP_QUERY";

  private static final String LIMIT = "20g";

  @Option(
      names = "--staging",
      paramLabel = "DIR",
      description =
          "For a remote input: the folder that keeps what was fetched of it, also for a run after"
              + " this one. Default: quant in the user's cache folder.")
  private @Nullable Path staging;

  @Option(
      names = "--staging-limit",
      paramLabel = "SIZE",
      description =
          "For a remote input: the most that the folder holds, such as 20g, the default; what was"
              + " not read for the longest time goes first.")
  private @Nullable String limit;

  @Option(
      names = "--http-header-env",
      paramLabel = "NAME",
      description =
          "For a remote input: the environment variable with a header for its host, such as"
              + " Authorization: Bearer TOKEN. Default: "
              + HEADER
              + ".")
  private @Nullable String variable;

  private @Nullable StagedFiles files;

  /**
   * How the text of an input becomes a path; the folder is opened with the first address.
   *
   * @param plugins the plugins with the stores
   */
  Function<String, Path> paths(Plugins plugins) {
    return text -> path(text, plugins, System.getenv());
  }

  private synchronized Path path(String text, Plugins plugins, Map<String, String> environment) {
    if (!RemoteLocation.isAddress(text)) {
      Path path = PathArgument.parse(text);
      requireUnset(text);
      return path;
    }
    if (files == null) {
      files =
          StagedFiles.open(
              plugins.remoteStores(),
              access(environment),
              staging == null ? cache(environment) : staging,
              Quantity.bytes("--staging-limit", limit == null ? LIMIT : limit, LIMIT));
    }
    String query = environment.getOrDefault(QUERY, "");
    return files.path(query.isEmpty() || text.indexOf('?') >= 0 ? text : text + "?" + query);
  }

  /** An option without an effect is a mistake: perhaps the input is not the one that is meant. */
  private void requireUnset(String input) {
    List<String> given = new ArrayList<>();
    if (staging != null) {
      given.add("--staging");
    }
    if (limit != null) {
      given.add("--staging-limit");
    }
    if (variable != null) {
      given.add("--http-header-env");
    }
    if (!given.isEmpty()) {
      throw new ConfigurationException(
          String.join(" and ", given)
              + ": for a remote input, such as https://host/llm/, and "
              + QuantException.quote(input)
              + " is a path of this machine. Leave it out, or give the address");
    }
  }

  private RemoteAccess access(Map<String, String> environment) {
    String header = environment.getOrDefault(variable == null ? HEADER : variable, "");
    if (header.isEmpty()) {
      if (variable != null && !variable.equals(HEADER)) {
        throw new ConfigurationException(
            "--http-header-env "
                + QuantException.quote(variable)
                + ": there is no such environment variable, or it is empty. Set it to a header, such"
                + " as Authorization: Bearer TOKEN");
      }
      return RemoteAccess.DEFAULT;
    }
    return RemoteAccess.DEFAULT.withHeader(new Secret(header));
  }

  private static Path cache(Map<String, String> environment) {
    String base = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path folder =
        base.isEmpty() ? Path.of(System.getProperty("user.home", "."), ".cache") : Path.of(base);
    return folder.resolve("quant");
  }

  /** Deletes what is kept of the inputs, when the output is in place. */
  void discard() {
    if (files != null) {
      files.discard();
    }
  }

  @Override
  public void close() {
    if (files != null) {
      try {
        files.close();
      } catch (IOException e) {
        throw new UncheckedIOException("a remote store could not be closed", e);
      }
    }
  }
}
