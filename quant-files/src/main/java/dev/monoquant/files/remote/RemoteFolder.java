package dev.monoquant.files.remote;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.remote.BlockLayout.Block;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A remote folder: its names, what its files were when they were first asked for, and their bytes
 * by way of the cache. A file keeps what it was; if it changes, reading it fails. Thread-safe.
 */
final class RemoteFolder implements Closeable, PublishedNames.Lookup {

  /** Files without tensors have a few megabytes; more is a fault, or an attack on the disk. */
  private static final long MOST_BESIDE = 256L << 20;

  private static final int MOST_NAMES = 100_000;
  private static final int BUFFER = 256 << 10;

  private final RemoteLocation location;
  private final RemoteFiles files;
  private final BlockCache cache;
  private final BlockLayout layout;
  private final Retries retries;
  private final AtomicLong requested;
  private final Map<String, Optional<RemoteFile>> found = new ConcurrentHashMap<>();
  private final Map<RemoteFile, String> keys = new ConcurrentHashMap<>();

  private @Nullable NavigableSet<String> names;

  RemoteFolder(
      RemoteLocation location,
      RemoteFiles files,
      BlockCache cache,
      BlockLayout layout,
      Retries retries,
      AtomicLong requested) {
    this.location = location;
    this.files = files;
    this.cache = cache;
    this.layout = layout;
    this.retries = retries;
    this.requested = requested;
  }

  RemoteLocation location() {
    return location;
  }

  /** {@return the names of all files, also in folders below} */
  synchronized NavigableSet<String> names() throws IOException {
    if (names == null) {
      NavigableSet<String> all = new TreeSet<>();
      Optional<List<String>> listed = asked("", files::list);
      for (String name : listed.isPresent() ? listed.get() : PublishedNames.in(location, this)) {
        if (!RemoteFile.isName(name)) {
          throw refusal("", "a file is called " + quote(name) + ", which names no file in it");
        }
        if (all.size() == MOST_NAMES) {
          throw refusal(
              "", "it has more than " + MOST_NAMES + " files. Name the folder of a model");
        }
        all.add(name);
      }
      names = all;
    }
    return names;
  }

  /** Whether a name is the root, or a folder on the way to a file. */
  boolean isFolder(String name) throws IOException {
    if (name.isEmpty()) {
      return true;
    }
    String next = names().ceiling(name + "/");
    return next != null && next.startsWith(name + "/");
  }

  /** {@return the names directly in a folder} */
  Set<String> in(String name) throws IOException {
    String start = name.isEmpty() ? "" : name + "/";
    Set<String> all = new TreeSet<>();
    for (String file : names().tailSet(start)) {
      if (!file.startsWith(start)) {
        break;
      }
      int slash = file.indexOf('/', start.length());
      all.add(file.substring(start.length(), slash < 0 ? file.length() : slash));
    }
    return all;
  }

  /** {@return the file of a name, as it was when it was first asked for} */
  @Override
  public Optional<RemoteFile> find(String name) throws IOException {
    Optional<RemoteFile> known = found.get(name);
    if (known == null) {
      Optional<RemoteFile> now = asked(name, () -> files.find(name));
      if (now.isPresent() && now.get().size() > MOST_BESIDE && !holdsTensors(name)) {
        throw refusal(
            name,
            "it has "
                + now.get().size()
                + " bytes, and a remote file without tensors at most "
                + MOST_BESIDE
                + ". Fetch the model to this machine and give that");
      }
      known = found.computeIfAbsent(name, n -> now);
    }
    return known;
  }

  private static boolean holdsTensors(String name) {
    return name.endsWith(".safetensors") || name.endsWith(".gguf");
  }

  /**
   * Reads bytes of a file.
   *
   * @return the number of bytes, at least 1 if there is room; -1 at the end of the file
   */
  @Override
  public int read(RemoteFile file, long offset, ByteBuffer into) throws IOException {
    if (offset >= file.size()) {
      return -1;
    }
    if (!into.hasRemaining()) {
      return 0;
    }
    Block block = layout.at(offset, file.size());
    String key = keys.computeIfAbsent(file, this::key);
    return cache.read(key, block, offset, into, (whole, sink) -> fetch(file, whole, sink));
  }

  /** A file of which nothing but the size is known may be another one in the next process. */
  private String key(RemoteFile file) {
    String what =
        file.identity().isPresent() || file.modified().isPresent()
            ? file.modified().map(Instant::toString).orElse("") + "\n" + file.identity().orElse("")
            : UUID.randomUUID().toString();
    String text = location.folder() + "\n" + file.name() + "\n" + file.size() + "\n" + what;
    return Sha256.of(text.getBytes(StandardCharsets.UTF_8)).substring(0, 32);
  }

  /** Fetches a block, and goes on where a connection broke. */
  private void fetch(RemoteFile file, Block block, BlockCache.Sink sink) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(BUFFER, block.length()));
    long done = 0;
    int failed = 0;
    while (done < block.length()) {
      long before = done;
      try {
        requested.addAndGet(block.length() - done);
        try (ReadableByteChannel in =
            files.read(file, block.start() + done, block.length() - done)) {
          while (done < block.length()) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), block.length() - done));
            int read = in.read(buffer);
            if (read < 0) {
              throw new EOFException(
                  "the answer ended after "
                      + (done - before)
                      + " of "
                      + (block.length() - before)
                      + " bytes");
            }
            sink.write(buffer.flip());
            done += read;
          }
        }
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        if (done == block.length()) {
          return;
        }
        failed = done > before ? 1 : failed + 1;
        if (failed == retries.attempts()) {
          throw unreachable(file.name(), failed, e);
        }
        retries.pause(failed);
      }
    }
  }

  private <T> T asked(String name, Request<T> request) throws IOException {
    for (int failed = 1; ; failed++) {
      try {
        return request.make();
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        // A mistyped host is told at once; one that has answered may be found again.
        boolean mistyped = e instanceof UnknownHostException && found.isEmpty();
        if (mistyped || failed == retries.attempts()) {
          throw unreachable(name, failed, e);
        }
        retries.pause(failed);
      }
    }
  }

  /** A request. */
  @FunctionalInterface
  private interface Request<T> {
    T make() throws IOException;
  }

  /** What failed so often will not pass soon. */
  private ModelFormatException unreachable(String name, int attempts, IOException e) {
    return new ModelFormatException(
        Reason.UNREADABLE,
        location.shown(name),
        "",
        "it could not be fetched"
            + (attempts == 1 ? ": " : " in " + attempts + " attempts, the last: ")
            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
            + ". Check address and network, and run again; what was fetched is kept.",
        e);
  }

  private ModelFormatException refusal(String name, String detail) {
    return new ModelFormatException(Reason.LIMIT, location.shown(name), "", detail + ".");
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
