package dev.monoquant.files.output;

import static java.nio.file.attribute.PosixFilePermission.GROUP_READ;
import static java.nio.file.attribute.PosixFilePermission.OTHERS_READ;
import static java.nio.file.attribute.PosixFilePermission.OWNER_EXECUTE;
import static java.nio.file.attribute.PosixFilePermission.OWNER_READ;
import static java.nio.file.attribute.PosixFilePermissions.fromString;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Nobody may read what is made who could not read what it is made of. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there are no such modes")
class OutputModeTest {

  private static final List<Set<PosixFilePermission>> MODES =
      List.of(
          EnumSet.of(OWNER_READ),
          EnumSet.of(OWNER_READ, GROUP_READ),
          EnumSet.of(OWNER_READ, OTHERS_READ),
          EnumSet.of(OWNER_READ, GROUP_READ, OTHERS_READ));

  @TempDir private Path folder;
  private Path first;
  private Path second;

  @BeforeEach
  void makeFiles() throws IOException {
    first = Files.createFile(folder.resolve("first"));
    second = Files.createFile(folder.resolve("second"));
  }

  private static GroupPrincipal group(Path file) throws IOException {
    return Files.readAttributes(file, PosixFileAttributes.class).group();
  }

  /** What a new file or directory gets; the umask can only take more away. */
  private static Set<?> permissions(FileAttribute<?>[] attributes) {
    assertThat(attributes).hasSize(1);
    return (Set<?>) attributes[0].value();
  }

  @Test
  void aFileIsReadByThoseWhoReadAllOfTheOthers() throws IOException {
    for (Set<PosixFilePermission> a : MODES) {
      for (Set<PosixFilePermission> b : MODES) {
        Files.setPosixFilePermissions(first, a);
        Files.setPosixFilePermissions(second, b);
        OutputMode mode = new OutputMode(group(first), true, true).and(first).and(second);
        Set<?> file = permissions(mode.ofFile());
        assertThat(file.contains(GROUP_READ))
            .isEqualTo(a.contains(GROUP_READ) && b.contains(GROUP_READ));
        assertThat(file.contains(OTHERS_READ))
            .isEqualTo(a.contains(OTHERS_READ) && b.contains(OTHERS_READ));
        assertThat(file.containsAll(fromString("rw-------"))).isTrue();
        assertThat(file.contains(OWNER_EXECUTE)).isFalse();
        Set<?> directory = permissions(mode.ofDirectory());
        assertThat(directory.containsAll(fromString("rwx------"))).isTrue();
        assertThat(directory.contains(GROUP_READ)).isEqualTo(file.contains(GROUP_READ));
        assertThat(directory.contains(OTHERS_READ)).isEqualTo(file.contains(OTHERS_READ));
      }
    }
  }

  @Test
  void whoMayNotEnterADirectoryMayNotReadWhatLiesInIt() throws IOException {
    OutputMode any = new OutputMode(group(first), true, true);
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Files.setPosixFilePermissions(inner, fromString("rwxr--r-x"));
    assertThat(any.and(inner)).isEqualTo(new OutputMode(group(first), false, true));
    Files.setPosixFilePermissions(inner, fromString("rwxr-xr--"));
    assertThat(any.and(inner)).isEqualTo(new OutputMode(group(first), true, false));
  }

  @Test
  void anotherGroupIsSomebodyElse() throws IOException {
    for (Set<PosixFilePermission> permissions : MODES) {
      Files.setPosixFilePermissions(first, permissions);
      OutputMode mode = new OutputMode(() -> "others", true, true).and(first);
      assertThat(mode.groupReads()).isEqualTo(permissions.contains(OTHERS_READ));
      assertThat(mode.othersRead()).isEqualTo(permissions.contains(OTHERS_READ));
    }
  }
}
