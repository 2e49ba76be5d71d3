package dev.monoquant.files.input;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;

class FileFaultTest {

  @Test
  void namesTheFileAndNoClassOfJava() {
    assertThat(FileFault.reading(new NoSuchFileException("m/model.safetensors")))
        .startsWith("m/model.safetensors is not there, or is a link that leads nowhere");
    assertThat(FileFault.reading(new AccessDeniedException("m/a")))
        .isEqualTo("permission denied for m/a. Make it readable");
    assertThat(FileFault.reading(new FileSystemException("m/a", null, "Stale file handle")))
        .startsWith("it could not be read: Stale file handle (m/a). ");
    assertThat(FileFault.reading(new IOException("Input/output error")))
        .startsWith("it could not be read: Input/output error. ");
    for (IOException e :
        List.of(
            new NoSuchFileException("a"),
            new AccessDeniedException("a"),
            new FileSystemException("a", null, "b"),
            new IOException("c"))) {
      assertThat(FileFault.reading(e)).doesNotContain("Exception");
      assertThat(FileFault.writing(e)).doesNotContain("Exception");
    }
  }

  @Test
  void saysWhyAFileCouldNotBeWritten() {
    assertThat(FileFault.writing(new NoSuchFileException("reports/r.json")))
        .isEqualTo("it could not be written: there is no directory for it (reports/r.json)");
    assertThat(FileFault.writing(new AccessDeniedException("r.json")))
        .isEqualTo("it could not be written: permission denied (r.json)");
    assertThat(FileFault.writing(new FileSystemException("r", null, "No space left on device")))
        .isEqualTo("it could not be written: No space left on device (r)");
  }

  /** A class whose message alone would say nothing stays. */
  @Test
  void keepsTheClassWhereItIsTheReason() {
    assertThat(FileFault.reading(new EOFException()))
        .isEqualTo(
            "it could not be read: java.io.EOFException. Check the disk and the permissions");
  }
}
