package dev.monoquant.core.open;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Says in words why a file could not be read, with what to do. */
final class ReadFault {

  private static final String REMEDY = ". Check the disk and the permissions";

  private ReadFault() {}

  /**
   * {@return the reason and the remedy, which name the file if the exception does}
   *
   * @param e what the file system threw
   */
  static String text(IOException e) {
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile()
          + " is not there, or is a link that leads nowhere. Fetch it, or give the directory that"
          + " has it";
    }
    if (e instanceof AccessDeniedException denied) {
      return "permission denied for " + denied.getFile() + ". Make it readable";
    }
    if (e instanceof FileSystemException file && file.getReason() != null) {
      return "it could not be read: " + file.getReason() + " (" + file.getFile() + ")" + REMEDY;
    }
    boolean isPlain = e.getClass() == IOException.class && e.getMessage() != null;
    return "it could not be read: " + (isPlain ? e.getMessage() : e) + REMEDY;
  }
}
