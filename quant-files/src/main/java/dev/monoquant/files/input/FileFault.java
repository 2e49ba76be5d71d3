package dev.monoquant.files.input;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Says in words why a file could not be read or written: exceptions of Java are no sentences. */
public final class FileFault {

  private static final String REMEDY = ". Check the disk and the permissions";

  private FileFault() {}

  /**
   * {@return the reason and the remedy, which name the file if the exception does}
   *
   * @param e what the file system threw when a file was read
   */
  public static String reading(IOException e) {
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile()
          + " is not there, or is a link that leads nowhere. Fetch it, or give the directory that"
          + " has it";
    }
    if (e instanceof AccessDeniedException denied) {
      return "permission denied for " + denied.getFile() + ". Make it readable";
    }
    return "it could not be read: " + reason(e) + REMEDY;
  }

  /**
   * {@return the reason without a period, which names the file if the exception does}
   *
   * @param e what the file system threw when a file was written
   */
  public static String writing(IOException e) {
    String reason =
        e instanceof NoSuchFileException missing
            ? "there is no directory for it (" + missing.getFile() + ")"
            : e instanceof AccessDeniedException denied
                ? "permission denied (" + denied.getFile() + ")"
                : reason(e);
    return "it could not be written: " + reason;
  }

  /** The class stays where its message alone would say nothing. */
  private static String reason(IOException e) {
    if (e instanceof FileSystemException file && file.getReason() != null) {
      return file.getReason() + " (" + file.getFile() + ")";
    }
    String message = e.getMessage();
    return e.getClass() == IOException.class && message != null ? message : e.toString();
  }
}
