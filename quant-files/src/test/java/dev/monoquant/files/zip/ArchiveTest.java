package dev.monoquant.files.zip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.spi.ReadLimits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchiveTest {

  @TempDir Path folder;

  private static final byte[] HELLO = "hello".getBytes(StandardCharsets.UTF_8);

  private Archive open(byte[] bytes) throws IOException {
    return open(bytes, ReadLimits.DEFAULT);
  }

  private Archive open(byte[] bytes, ReadLimits limits) throws IOException {
    Path path = Files.write(Files.createTempFile(folder, "a", ".zip"), bytes);
    return Archive.open(path, "a.zip", limits);
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private void requireRefusal(byte[] bytes, Reason reason, String... mentions) {
    assertThatThrownBy(() -> open(bytes).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContainingAll(mentions);
  }

  /** Deflated entries of the JDK have data descriptors, stored ones have not. */
  @Test
  void readsWhatTheJdkWrites() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setComment("a comment");
      zip.putNextEntry(new ZipEntry("x/deflated"));
      zip.write(new byte[1000]);
      zip.closeEntry();
      ZipEntry stored = new ZipEntry("x/é");
      stored.setMethod(ZipEntry.STORED);
      stored.setSize(5);
      stored.setCrc(0x3610a686L);
      zip.putNextEntry(stored);
      zip.write(HELLO);
      zip.closeEntry();
    }
    try (Archive archive = open(out.toByteArray())) {
      assertThat(archive.entries())
          .extracting(ArchiveEntry::name)
          .containsExactly("x/deflated", "x/é");
      ArchiveEntry deflated = archive.find("x/deflated").orElseThrow();
      assertThat(bytes(archive.content(deflated, 1000, "max"))).isEqualTo(new byte[1000]);
      assertThat(bytes(archive.slice(deflated, 990, 10))).isEqualTo(new byte[10]);
      assertThatThrownBy(() -> archive.slice(deflated, 991, 10))
          .isInstanceOf(IndexOutOfBoundsException.class);
      ArchiveEntry hello = archive.find("x/é").orElseThrow();
      assertThat(bytes(archive.content(hello, 5, "max"))).isEqualTo(HELLO);
      assertThat(bytes(archive.slice(hello, 1, 3)))
          .isEqualTo("ell".getBytes(StandardCharsets.UTF_8));
      assertThat(archive.find("X/É")).isEmpty();
    }
  }

  @Test
  void contentHasLimits() throws IOException {
    byte[] zip = new ZipText().put("x/big", new byte[100_000]).deflate("x/big").build();
    try (Archive archive = open(zip, ReadLimits.DEFAULT.withMaxInflatedBytes(1000))) {
      ArchiveEntry big = archive.entries().iterator().next();
      assertThatThrownBy(() -> archive.content(big, 1 << 20, "maxSomething"))
          .hasMessageContaining("100000 bytes, at most 1000 are read (limit maxInflatedBytes)");
      assertThatThrownBy(() -> archive.content(big, 10, "maxSomething"))
          .hasMessageContaining("at most 10 are read (limit maxSomething)");
    }
  }

  @Test
  void entriesHaveALimit() {
    byte[] zip = new ZipText().put("x/a", HELLO).put("x/b", HELLO).build();
    assertThatThrownBy(() -> open(zip, ReadLimits.DEFAULT.withMaxArchiveEntries(1)).close())
        .hasMessageContaining("has 2 entries")
        .hasMessageContaining("limit maxArchiveEntries");
  }

  /** What promises more than DEFLATE can make gets no memory. */
  @Test
  void inflatedSizeIsNotBelieved() throws IOException {
    ZipText text = new ZipText().put("x/a", HELLO).deflate("x/a");
    byte[] zip = text.build();
    ByteBuffer out = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(22, 60_000_000);
    int central =
        text.fields().stream()
                .filter(f -> f.what().startsWith("central"))
                .findFirst()
                .orElseThrow()
                .at()
            - 4;
    out.putInt(central + 24, 60_000_000);
    try (Archive archive = open(zip)) {
      ArchiveEntry entry = archive.entries().iterator().next();
      assertThatThrownBy(() -> archive.content(entry, Long.MAX_VALUE, "none"))
          .isInstanceOfSatisfying(
              ModelFormatException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.ZIP_STRUCTURE));
    }
  }

  @Test
  void anEndRecordThatAnotherReaderMightTakeIsRefused() {
    byte[] zip = new ZipText().put("x/a", HELLO).build();
    byte[] twice = Arrays.copyOf(zip, zip.length + 22);
    System.arraycopy(zip, zip.length - 22, twice, zip.length, 22);
    // The first record's comment is the second record, whose own comment is empty.
    twice[zip.length - 2] = 22;
    requireRefusal(twice, Reason.ZIP_STRUCTURE, "two end records");
  }

  @Test
  void holesAndPrefixesAreRefused() {
    byte[] zip = new ZipText().put("x/a", HELLO).build();
    byte[] prefixed = new byte[zip.length + 1];
    System.arraycopy(zip, 0, prefixed, 1, zip.length);
    requireRefusal(prefixed, Reason.ZIP_STRUCTURE, "central directory");
  }

  @Test
  void namesArePlainRelativePaths() {
    for (String name :
        new String[] {
          "", "/x", "x/../y", "x//y", "./x", "x/.", "x\\y", "C:/x", "x\u0000", "x\n", "../x"
        }) {
      requireRefusal(
          new ZipText().put(name, HELLO).build(), Reason.ZIP_STRUCTURE, "plain relative path");
    }
    requireRefusal(
        new ZipText().put("x/a", HELLO).put("X/A", HELLO).build(),
        Reason.ZIP_DUPLICATE,
        "upper and lower case");
  }

  @Test
  void checksumsAreComparedUnlessAllAreZero() throws IOException {
    ZipText text = new ZipText().put("x/a", HELLO).put("x/b", HELLO);
    byte[] zip = text.build();
    zip[30 + 3] ^= 1;
    try (Archive archive = open(zip)) {
      assertThatThrownBy(() -> archive.check(archive.find("x/a").orElseThrow()))
          .isInstanceOfSatisfying(
              ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.ZIP_CRC))
          .hasMessageContaining("x/a");
      archive.check(archive.find("x/b").orElseThrow());
    }
    byte[] without = text.withoutChecksums().build();
    without[30 + 3] ^= 1;
    try (Archive archive = open(without)) {
      archive.check(archive.find("x/a").orElseThrow());
    }
  }

  /** A sparse file: 5 GiB of zeros take no room, and are never loaded. */
  @Test
  void readsBeyondFourGigabytes() throws IOException {
    long size = 5L << 30;
    Path path = folder.resolve("sparse.zip");
    byte[] name = "x/big".getBytes(StandardCharsets.UTF_8);
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer local = ByteBuffer.allocate(30 + 5 + 20).order(ByteOrder.LITTLE_ENDIAN);
      local.putInt(0x04034b50).putShort((short) 45).putShort((short) 0).putShort((short) 0);
      local.putInt(0).putInt(0).putInt(-1).putInt(-1).putShort((short) 5).putShort((short) 20);
      local.put(name).putShort((short) 1).putShort((short) 16).putLong(size).putLong(size);
      file.write(local.flip(), 0);
      file.write(ByteBuffer.wrap(HELLO), 55 + size - 5);
      long directory = 55 + size;
      ByteBuffer end = ByteBuffer.allocate(46 + 5 + 20 + 56 + 20 + 22);
      end.order(ByteOrder.LITTLE_ENDIAN);
      end.putInt(0x02014b50).putShort((short) 45).putShort((short) 45).putInt(0).putInt(0);
      end.putInt(0).putInt(-1).putInt(-1).putShort((short) 5).putShort((short) 20);
      end.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0).putInt(0);
      end.put(name).putShort((short) 1).putShort((short) 16).putLong(size).putLong(size);
      end.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45).putLong(0);
      end.putLong(1).putLong(1).putLong(71).putLong(directory);
      end.putInt(0x07064b50).putInt(0).putLong(directory + 71).putInt(1);
      end.putInt(0x06054b50).putInt(0).putShort((short) 1).putShort((short) 1);
      end.putInt(71).putInt(-1).putShort((short) 0);
      file.write(end.flip(), directory);
    }
    try (Archive archive = Archive.open(path, "sparse.zip", ReadLimits.DEFAULT)) {
      ArchiveEntry big = archive.entries().iterator().next();
      assertThat(big.size()).isEqualTo(size);
      assertThat(bytes(archive.slice(big, size - 5, 5))).isEqualTo(HELLO);
      assertThat(bytes(archive.slice(big, size - 10, 5))).isEqualTo(new byte[5]);
    } finally {
      Files.delete(path);
    }
  }
}
