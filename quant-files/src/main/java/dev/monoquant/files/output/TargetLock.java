package dev.monoquant.files.output;

import dev.monoquant.OutputException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Allows one run at a time to write a target; any other run fails immediately.
 *
 * <p>It is a lock of the operating system on {@code .NAME.quant-lock} beside the target, so it
 * always ends with the process; a leftover file does not block other runs, and the next run removes
 * it. The file holds the PID and is removed with the lock. File systems without locks have no
 * protection: the last of several runs then wins, with a complete output.
 */
public final class TargetLock implements Closeable {

  private static final Logger LOG = LoggerFactory.getLogger(TargetLock.class);
  private static final String SUFFIX = ".quant-lock";

  /** Small, so that the file can be created even under a tight limit on file sizes. */
  private static final int PADDING = 1 << 10;

  /** Empty if the run was killed before it wrote the PID. */
  private static final Pattern CONTENT = Pattern.compile("(\\d{1,18}\n *+)?");

  private static final int LONGEST = 18 + 1 + PADDING;

  /**
   * Locks of this JVM. They are recorded here because the file must not be opened to check them:
   * POSIX drops a process's locks on a file when it closes any descriptor of it.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private TargetLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static boolean isLock(String fileName) {
    return fileName.startsWith(".") && fileName.endsWith(SUFFIX);
  }

  /**
   * Takes the lock. An interrupt does not stop this halfway, which would leave the file behind; the
   * interrupt flag is set again after the lock is taken.
   *
   * @param target the target, absolute, links resolved
   * @return the lock; the caller closes it
   * @throws OutputException if another run has it
   * @throws IOException if the file cannot be created
   */
  public static TargetLock take(Path target) throws IOException {
    Path file = target.resolveSibling("." + target.getFileName() + SUFFIX);
    if (!HELD.add(file)) {
      throw busy(target, "another run of this process");
    }
    boolean taken = false;
    boolean interrupted = false;
    try {
      while (true) {
        FileChannel channel = open(file);
        try {
          if (!lock(channel)) {
            throw busy(target, "another run, process " + holder(channel) + ",");
          }
          requireLock(channel, file);
          taken = isCurrent(channel, file);
        } catch (ClosedByInterruptException e) {
          // The interrupt closed the channel, so nothing is locked: try again without the
          // interrupt.
          interrupted |= Thread.interrupted();
        } finally {
          if (!taken) {
            channel.close();
          }
        }
        if (taken) {
          return new TargetLock(file, channel);
        }
      }
    } finally {
      if (!taken) {
        HELD.remove(file);
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Opens or creates the file. An existing file may be malicious: a link is not followed, and
   * {@link #requireLock} checks the contents before any write.
   */
  private static FileChannel open(Path file) throws IOException {
    while (true) {
      try {
        return FileChannel.open(
            file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
      } catch (FileAlreadyExistsException anotherRuns) {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            continue;
          }
          throw noLock(file);
        }
      }
      try {
        return FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      } catch (NoSuchFileException removed) {
        // Its owner just removed it.
      }
    }
  }

  /** Refuses to overwrite a file that is not a lock: a lock holds a PID and blanks. */
  private static void requireLock(FileChannel channel, Path file) throws IOException {
    ByteBuffer content = ByteBuffer.allocate(LONGEST + 1);
    int length = 0;
    while (length >= 0 && content.hasRemaining()) {
      length = channel.read(content, content.position());
    }
    String text = new String(content.array(), 0, content.position(), StandardCharsets.ISO_8859_1);
    if (content.position() > LONGEST || !CONTENT.matcher(text).matches()) {
      throw noLock(file);
    }
  }

  private static OutputException noLock(Path file) {
    return new OutputException(
        file
            + ": no run has made this file, and a run needs the name for its lock. Remove it, or"
            + " name another target.");
  }

  /** Tries to lock the file; false if another run has the lock. Closing the channel releases it. */
  private static boolean lock(FileChannel channel) throws ClosedByInterruptException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException otherLoader) {
      return false;
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException noLocks) {
      LOG.debug("files cannot be locked here: {}", noLocks.toString());
      return true;
    }
  }

  /**
   * Whether the locked file still has that name: its last owner may have removed it after it was
   * opened here, and a third run may have locked a new file. The check sets a random file length
   * and compares it; opening the file to read a token would release the lock.
   */
  private static boolean isCurrent(FileChannel channel, Path file) throws IOException {
    String pid = ProcessHandle.current().pid() + "\n";
    String token = pid + " ".repeat(ThreadLocalRandom.current().nextInt(PADDING));
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(token.getBytes(StandardCharsets.US_ASCII)), 0);
    try {
      return Files.size(file) == channel.size();
    } catch (NoSuchFileException removed) {
      return false;
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(20);
    channel.read(start, 0);
    String text = new String(start.array(), 0, start.position(), StandardCharsets.US_ASCII);
    String pid = text.lines().findFirst().orElse("");
    return pid.matches("\\d{1,18}") ? pid : "unknown";
  }

  private static OutputException busy(Path target, String who) {
    return new OutputException(
        target
            + ": "
            + who
            + " is writing it right now. Wait until it has finished, or name another target.");
  }

  /** {@return the lock file, beside the target} */
  Path file() {
    return file;
  }

  /** Removes the file while the lock is held, then releases the lock. */
  @Override
  public void close() throws IOException {
    if (!channel.isOpen()) {
      return;
    }
    try (channel) {
      Files.deleteIfExists(file);
    } finally {
      HELD.remove(file);
    }
  }
}
