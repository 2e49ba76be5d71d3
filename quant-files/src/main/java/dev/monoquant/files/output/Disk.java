package dev.monoquant.files.output;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;

/** The file system operations that an output depends on; tests make each of them fail. */
public interface Disk {

  /** The real file system. */
  Disk REAL = new Disk() {};

  /**
   * Creates a file that does not exist, not even as a link, with the mode that the umask leaves.
   *
   * @param path the file
   * @param attributes attributes set at creation, such as a mode
   * @return its channel, for reading and writing
   * @throws IOException if it cannot be created
   */
  default FileChannel create(Path path, FileAttribute<?>... attributes) throws IOException {
    return FileChannel.open(
        path,
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
        attributes);
  }

  /**
   * Opens a file that several runs write, at places of their own.
   *
   * @param path the file; a link is not followed
   * @return its channel, for reading and writing
   * @throws IOException if it cannot be opened
   */
  default FileChannel open(Path path) throws IOException {
    return FileChannel.open(
        path, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * Renames a file or directory atomically within its directory; an existing file of the new name
   * is replaced.
   *
   * @param from its name
   * @param to its new name
   * @throws IOException if it cannot be renamed
   */
  default void rename(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException("the file system cannot rename " + from + " to " + to, e);
    }
  }

  /**
   * Flushes the entries of a directory, so that they survive a power cut. Does nothing where
   * directories cannot be opened (Windows), where the file systems log such changes.
   *
   * @param directory the directory
   * @throws IOException if the flush fails
   */
  default void syncDirectory(Path directory) throws IOException {
    FileChannel channel;
    try {
      channel = FileChannel.open(directory, StandardOpenOption.READ);
    } catch (IOException notOpenable) {
      return;
    }
    try (channel) {
      channel.force(true);
    }
  }

  /**
   * {@return the number of bytes that can still be written}
   *
   * @param directory the directory to write to
   * @throws IOException if the number is unknown
   */
  default long usableBytes(Path directory) throws IOException {
    return Files.getFileStore(directory).getUsableSpace();
  }
}
