package dev.monoquant.files.remote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.remote.BlockLayout.Block;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of remote files in a folder of a bounded size. If there is no room, those that were not
 * read for the longest time are deleted. A block is a file of its own, so that there are no holes
 * that could be read:
 *
 * <pre>
 * FOLDER/KEY-OF-THE-FILE/START-LENGTH.block     | data | CRC-32C of the data, 8 bytes |
 * FOLDER/KEY-OF-THE-FILE/PROCESS-RANDOM.part    a block that is being fetched
 * </pre>
 *
 * <p>A block gets its name when it is whole. Blocks of earlier processes are used, after their
 * checksums have been compared. Thread-safe. Several processes may share a folder; each keeps to
 * the bound with what it finds and fetches, and fetches again what another one deleted.
 */
final class BlockCache {

  private static final int TRAILER = 8;
  private static final int BUFFER = 64 << 10;
  private static final Pattern KEY = Pattern.compile("[0-9a-f]{32}");
  private static final Pattern BLOCK = Pattern.compile("([0-9]{1,18})-([0-9]{1,18})\\.block");
  private static final Pattern PART = Pattern.compile("([0-9]{1,18})-[0-9a-f-]{36}\\.part");

  /** Fetches bytes from where they are. */
  @FunctionalInterface
  interface Fetch {
    /** Gives all bytes of a block, in order. */
    void into(Block block, Sink sink) throws IOException;
  }

  /** Receives the bytes of a block. */
  @FunctionalInterface
  interface Sink {
    void write(ByteBuffer bytes);
  }

  private record Id(String key, Block block) {}

  private static final class Entry {
    private final Id id;
    private int pins;

    private boolean found;
    private boolean ready;
    private @Nullable Throwable failure;

    Entry(Id id, boolean found) {
      this.id = id;
      this.found = found;
    }

    long bytes() {
      return id.block().length() + TRAILER;
    }
  }

  private final Path folder;
  private final long limit;

  /** In the order of the last use; guarded by itself, as are the fields of entries but failure. */
  private final Map<Id, Entry> entries = new LinkedHashMap<>(64, 0.75f, true);

  /** The bytes of all entries that are, or are becoming, files. Guarded by entries. */
  private long used;

  private final Set<String> keys = new HashSet<>();

  /**
   * Opens a folder, and makes it if it does not exist.
   *
   * @param folder the folder
   * @param limit the most bytes that it may hold
   * @param largest the bytes of the largest block
   */
  BlockCache(Path folder, long limit, long largest) {
    this.folder = folder.toAbsolutePath();
    this.limit = limit;
    if (limit < largest + TRAILER) {
      throw new ConfigurationException(
          "--staging-limit of "
              + limit
              + " bytes: at least "
              + (largest + TRAILER)
              + " are needed, one block. Example: --staging-limit 20g");
    }
    try {
      boolean posix = folder.getFileSystem().supportedFileAttributeViews().contains("posix");
      Files.createDirectories(
          this.folder,
          posix
              ? new FileAttribute<?>[] {
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
              }
              : new FileAttribute<?>[0]);
      findBlocks();
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private OutputException unwritable(IOException e) {
    return new OutputException(
        "the staging folder "
            + folder
            + " could not be used: "
            + e
            + ". Free some space, or name another with --staging; at most "
            + limit
            + " bytes are kept there (--staging-limit)",
        e);
  }

  private record Found(Id id, long modified) {}

  /** Finds the blocks of earlier processes, and removes what killed ones left half fetched. */
  private void findBlocks() throws IOException {
    List<Found> all = new ArrayList<>();
    for (Path own : list(folder)) {
      String key = own.getFileName().toString();
      if (!KEY.matcher(key).matches() || !Files.isDirectory(own, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      for (Path file : list(own)) {
        String name = file.getFileName().toString();
        Matcher block = BLOCK.matcher(name);
        Matcher part = PART.matcher(name);
        if (block.matches()) {
          Id id =
              new Id(
                  key, new Block(Long.parseLong(block.group(1)), Long.parseLong(block.group(2))));
          try {
            if (Files.size(file) == id.block().length() + TRAILER) {
              all.add(new Found(id, Files.getLastModifiedTime(file).toMillis()));
              continue;
            }
          } catch (NoSuchFileException deleted) {
            continue;
          }
          Files.deleteIfExists(file);
        } else if (part.matches() && !lives(Long.parseLong(part.group(1)))) {
          Files.deleteIfExists(file);
        }
      }
    }
    all.sort(Comparator.comparingLong(Found::modified));
    synchronized (entries) {
      for (Found found : all) {
        Entry entry = new Entry(found.id(), true);
        entries.put(found.id(), entry);
        used += entry.bytes();
      }
      evict(0);
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    } catch (NoSuchFileException deleted) {
      return List.of();
    }
  }

  private static boolean lives(long process) {
    return ProcessHandle.of(process).isPresent();
  }

  /**
   * Reads bytes of a block, which is fetched if it is not there.
   *
   * @param key the file, 32 hexadecimal digits
   * @param block a block of it
   * @param offset the first byte within the file; it is in the block
   * @param into receives as many bytes as it has room for and the block has from there on
   * @param fetch fetches a block
   * @return the number of bytes
   * @throws IOException if fetching fails
   * @throws OutputException if the folder cannot be written or read
   */
  int read(String key, Block block, long offset, ByteBuffer into, Fetch fetch) throws IOException {
    Id id = new Id(key, block);
    while (true) {
      Entry entry = pin(id);
      try {
        stage(entry, fetch);
        long at = offset - block.start();
        int length = (int) Math.min(into.remaining(), block.length() - at);
        ByteBuffer part = into.duplicate().limit(into.position() + length);
        try (FileChannel channel = FileChannel.open(file(id), StandardOpenOption.READ)) {
          while (part.hasRemaining()) {
            if (channel.read(part, at + part.position() - into.position()) < 0) {
              throw new NoSuchFileException(file(id).toString());
            }
          }
        } catch (NoSuchFileException deleted) {
          // Another process, or its user, made room.
          forget(entry);
          continue;
        }
        into.position(part.position());
        return length;
      } finally {
        unpin(entry);
      }
    }
  }

  private Path file(Id id) {
    return folder
        .resolve(id.key())
        .resolve(id.block().start() + "-" + id.block().length() + ".block");
  }

  private Entry pin(Id id) {
    synchronized (entries) {
      keys.add(id.key());
      Entry entry = entries.computeIfAbsent(id, i -> new Entry(i, false));
      entry.pins++;
      return entry;
    }
  }

  private void unpin(Entry entry) {
    synchronized (entries) {
      entry.pins--;
      entries.notifyAll();
    }
  }

  private void forget(Entry entry) {
    synchronized (entries) {
      if (entries.remove(entry.id, entry) && (entry.ready || entry.found)) {
        used -= entry.bytes();
      }
      entries.notifyAll();
    }
  }

  /** Makes sure that the block of an entry is there; one thread does it, and others wait. */
  private void stage(Entry entry, Fetch fetch) throws IOException {
    synchronized (entry) {
      if (entry.ready) {
        return;
      }
      if (entry.failure != null) {
        rethrow(entry.failure);
      }
      try {
        if (entry.found && !isWhole(entry.id)) {
          Files.deleteIfExists(file(entry.id));
          synchronized (entries) {
            used -= entry.bytes();
            entry.found = false;
          }
        }
        if (!entry.found) {
          fetch(entry, fetch);
        }
        synchronized (entries) {
          entry.ready = true;
        }
      } catch (IOException | RuntimeException | Error e) {
        entry.failure = e;
        forget(entry);
        throw e;
      }
    }
  }

  /** For threads that waited for the one that failed. */
  private static void rethrow(Throwable failure) throws IOException {
    if (failure instanceof IOException e) {
      throw new IOException(e.getMessage(), e);
    }
    if (failure instanceof Error e) {
      throw e;
    }
    throw (RuntimeException) failure;
  }

  private void fetch(Entry entry, Fetch fetch) throws IOException {
    reserve(entry.bytes());
    Path file = file(entry.id);
    Path part =
        file.resolveSibling(ProcessHandle.current().pid() + "-" + UUID.randomUUID() + ".part");
    try {
      try (FileChannel out = create(part)) {
        CRC32C crc = new CRC32C();
        long[] written = {0};
        fetch.into(
            entry.id.block(),
            bytes -> {
              crc.update(bytes.duplicate());
              written[0] += bytes.remaining();
              write(out, bytes);
            });
        if (written[0] != entry.id.block().length()) {
          throw new IllegalStateException(
              written[0] + " bytes for a block of " + entry.id.block().length());
        }
        write(out, ByteBuffer.allocate(TRAILER).putLong(crc.getValue()).flip());
      }
      rename(part, file);
    } catch (IOException | RuntimeException | Error e) {
      synchronized (entries) {
        used -= entry.bytes();
        entries.notifyAll();
      }
      try {
        Files.deleteIfExists(part);
      } catch (IOException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  private FileChannel create(Path part) {
    try {
      Files.createDirectories(Locations.folder(part));
      return FileChannel.open(part, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private void write(FileChannel out, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private void rename(Path part, Path file) {
    try {
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /** Waits until there is room: some block is not in use, or will not be soon. */
  private void reserve(long bytes) throws IOException {
    synchronized (entries) {
      while (!evict(bytes)) {
        try {
          entries.wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted");
        }
      }
      used += bytes;
    }
  }

  /** Deletes blocks until so many bytes have room; false if all others are in use. */
  private boolean evict(long bytes) throws IOException {
    Iterator<Entry> eldest = entries.values().iterator();
    while (used + bytes > limit && eldest.hasNext()) {
      Entry entry = eldest.next();
      if (entry.pins == 0 && (entry.ready || entry.found)) {
        Files.deleteIfExists(file(entry.id));
        used -= entry.bytes();
        eldest.remove();
      }
    }
    return used + bytes <= limit;
  }

  private boolean isWhole(Id id) throws IOException {
    try (FileChannel channel = FileChannel.open(file(id), StandardOpenOption.READ)) {
      CRC32C crc = new CRC32C();
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
      long left = id.block().length();
      while (left > 0) {
        buffer.clear().limit((int) Math.min(BUFFER, left));
        int read = channel.read(buffer);
        if (read < 0) {
          return false;
        }
        crc.update(buffer.flip());
        left -= read;
      }
      buffer.clear().limit(TRAILER);
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          return false;
        }
      }
      return buffer.flip().getLong() == crc.getValue();
    } catch (NoSuchFileException deleted) {
      return false;
    }
  }

  /**
   * Deletes the blocks of the files that were read here.
   *
   * @throws OutputException if a file cannot be deleted
   */
  void discard() {
    synchronized (entries) {
      try {
        for (Iterator<Entry> all = entries.values().iterator(); all.hasNext(); ) {
          Entry entry = all.next();
          if (entry.pins == 0 && keys.contains(entry.id.key())) {
            Files.deleteIfExists(file(entry.id));
            used -= entry.bytes();
            all.remove();
          }
        }
        for (String key : keys) {
          Path own = folder.resolve(key);
          if (list(own).isEmpty()) {
            Files.deleteIfExists(own);
          }
        }
      } catch (IOException e) {
        throw unwritable(e);
      }
    }
  }

  /** {@return the bytes that the folder holds now, as far as this process knows} */
  long used() {
    synchronized (entries) {
      return used;
    }
  }
}
