package dev.monoquant.files.remote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.files.input.Closing;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes paths of remote files, which are read like files of this machine: by {@code Files}, by
 * channels, and as the input of a quantizer. Bytes are fetched when they are first read, in blocks,
 * and kept in a folder of a bounded size, also for the next process; so headers alone are fetched
 * for a plan, and for a unit what it reads. A failed request is made again, from where it stopped.
 *
 * <pre>{@code
 * try (StagedFiles staged = StagedFiles.open(plugins.remoteStores(), access, folder, 20L << 30)) {
 *   quantizer.quantize(ModelInput.of(staged.path("https://host/llm/")), config, target, false);
 * }
 * }</pre>
 *
 * <p>A remote file must not change while this is open: if it does, reading it fails. What this does
 * not do: it writes, locks and maps nothing; folders that a store cannot list have the files with
 * the names under which models are published, and those that they name. Thread-safe.
 */
public final class StagedFiles implements Closeable {

  private static final List<String> FILES =
      List.of(".safetensors", ".safetensors.index.json", ".gguf");

  private final List<RemoteStore> stores;
  private final RemoteAccess access;
  private final BlockCache cache;
  private final BlockLayout layout;
  private final Retries retries;
  private final AtomicLong requested = new AtomicLong();
  private final Map<URI, RemoteFileSystem> open = new HashMap<>();

  private StagedFiles(
      List<RemoteStore> stores,
      RemoteAccess access,
      BlockCache cache,
      BlockLayout layout,
      Retries retries) {
    this.stores = List.copyOf(stores);
    this.access = access;
    this.cache = cache;
    this.layout = layout;
    this.retries = retries;
  }

  /**
   * Opens the folder in which bytes are kept.
   *
   * @param stores the stores that read remote files
   * @param access how to access them
   * @param folder the folder; made if it does not exist. It may be shared with other processes
   * @param limit the most bytes to keep there, at least 16 MiB and 8 bytes
   * @return the files; the caller closes them
   * @throws ConfigurationException if the limit is too low
   * @throws dev.monoquant.OutputException if the folder cannot be made or read
   */
  public static StagedFiles open(
      List<RemoteStore> stores, RemoteAccess access, Path folder, long limit) {
    return open(stores, access, folder, limit, BlockLayout.DEFAULT, Retries.DEFAULT);
  }

  static StagedFiles open(
      List<RemoteStore> stores,
      RemoteAccess access,
      Path folder,
      long limit,
      BlockLayout layout,
      Retries retries) {
    BlockCache cache = new BlockCache(folder, limit, layout.largest());
    return new StagedFiles(stores, access, cache, layout, retries);
  }

  /**
   * Makes a path of an address.
   *
   * @param location a path of this machine, or an address such as {@code https://host/llm/}: of a
   *     folder, or of a file whose name ends with {@code .safetensors}, {@code .gguf} or {@code
   *     .safetensors.index.json}
   * @return the path; its text is the address without user info and query
   * @throws ConfigurationException if no store reads such an address
   */
  public Path path(String location) {
    if (!RemoteLocation.isAddress(location)) {
      return Path.of(location);
    }
    RemoteLocation whole = RemoteLocation.parse(location);
    String path = whole.folder().getPath();
    String trimmed = path.substring(0, path.length() - 1);
    String last = trimmed.substring(trimmed.lastIndexOf('/') + 1);
    if (FILES.stream().noneMatch(last::endsWith)) {
      return system(whole).root();
    }
    String raw = whole.folder().toString();
    URI parent = URI.create(raw.substring(0, raw.lastIndexOf('/', raw.length() - 2) + 1));
    return system(new RemoteLocation(parent, whole.userInfo(), whole.query())).root().resolve(last);
  }

  private synchronized RemoteFileSystem system(RemoteLocation folder) {
    RemoteFileSystem known = open.get(folder.folder());
    if (known != null) {
      return known;
    }
    RemoteStore store = store(folder);
    try {
      RemoteFolder files =
          new RemoteFolder(folder, store.open(folder, access), cache, layout, retries, requested);
      RemoteFileSystem system = new RemoteFileSystem(new RemoteFileSystemProvider(), files);
      open.put(folder.folder(), system);
      return system;
    } catch (IOException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          folder.shown(""),
          "",
          "it could not be opened: " + e + ". Check the address and the network",
          e);
    }
  }

  private RemoteStore store(RemoteLocation folder) {
    Optional<RemoteStore> found = Optional.empty();
    TreeSet<String> known = new TreeSet<>();
    for (RemoteStore store : stores) {
      known.addAll(store.schemes());
      if (store.schemes().contains(folder.scheme())) {
        if (found.isPresent()) {
          throw new ConfigurationException(
              "two stores read "
                  + folder.scheme()
                  + ": "
                  + found.get().id()
                  + " and "
                  + store.id()
                  + ". Remove one of their jars");
        }
        found = Optional.of(store);
      }
    }
    return found.orElseThrow(
        () ->
            new ConfigurationException(
                "no store reads addresses of "
                    + QuantException.quote(folder.scheme())
                    + "; there are "
                    + (known.isEmpty() ? "none" : String.join(", ", known))
                    + ". A store comes with its jar on the class path, or with --plugin"));
  }

  /** {@return the bytes asked of stores so far, again if a request failed; without listings} */
  public long requestedBytes() {
    return requested.get();
  }

  /** {@return the bytes in the folder, as far as this process knows} */
  public long stagedBytes() {
    return cache.used();
  }

  /**
   * Deletes what is kept of the files that were read, when they are not needed again. Reading them
   * fetches them again.
   *
   * @throws dev.monoquant.OutputException if a file cannot be deleted
   */
  public void discard() {
    cache.discard();
  }

  /**
   * Closes the stores; what is kept stays.
   *
   * @throws IOException if a store fails to close
   */
  @Override
  public synchronized void close() throws IOException {
    Closing.all(open.values().stream().map(RemoteFileSystem::folder).toList());
    open.clear();
  }
}
