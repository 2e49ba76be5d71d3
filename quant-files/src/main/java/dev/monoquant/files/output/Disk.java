package dev.monoquant.files.output;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;

/** The operations of the file system that an output depends on; a test makes each of them fail. */
public interface Disk {

  /** The real one. */
  Disk REAL = new Disk() {};

  /**
   * Makes a file that must not exist, not even as a link, with the mode the umask leaves.
   *
   * @param path the file
   * @param attributes what it is to have from the first moment on, such as a mode
   * @return its channel, for reading and writing
   * @throws IOException if it cannot be made
   */
  default FileChannel create(Path path, FileAttribute<?>... attributes) throws IOException {
    return FileChannel.open(
        path,
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
        attributes);
  }

  /**
   * Gives a file or directory another name in one step, in the same directory; a file under that
   * name is replaced.
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
   * Makes the names in a directory survive a power cut. Does nothing where directories cannot be
   * opened (Windows), whose file systems log such changes themselves.
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
   * {@return bytes that can still be written}
   *
   * @param directory where to
   * @throws IOException if that is not known
   */
  default long usableBytes(Path directory) throws IOException {
    return Files.getFileStore(directory).getUsableSpace();
  }
}
