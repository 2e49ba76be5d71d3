package dev.monoquant.core.open;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadFaultTest {

  @Test
  void namesTheFileAndNoClassOfJava() {
    assertThat(ReadFault.text(new NoSuchFileException("m/model.safetensors")))
        .startsWith("m/model.safetensors is not there, or is a link that leads nowhere");
    assertThat(ReadFault.text(new AccessDeniedException("m/a")))
        .isEqualTo("permission denied for m/a. Make it readable");
    assertThat(ReadFault.text(new FileSystemException("m/a", null, "Stale file handle")))
        .startsWith("it could not be read: Stale file handle (m/a). ");
    assertThat(ReadFault.text(new IOException("Input/output error")))
        .startsWith("it could not be read: Input/output error. ");
    for (IOException e :
        List.of(
            new NoSuchFileException("a"),
            new AccessDeniedException("a"),
            new FileSystemException("a", null, "b"),
            new IOException("c"))) {
      assertThat(ReadFault.text(e)).doesNotContain("Exception");
    }
  }

  /** A class whose message alone would say nothing stays. */
  @Test
  void keepsTheClassWhereItIsTheReason() {
    assertThat(ReadFault.text(new EOFException()))
        .isEqualTo(
            "it could not be read: java.io.EOFException. Check the disk and the permissions");
  }
}
