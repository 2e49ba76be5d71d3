package dev.monoquant.files.manifest;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The hashes of a manifest, against those of {@code sha256sum}. */
class HashPoolTest {

  /** Never closed: its threads are daemons, and two test engines run this class. */
  private static final HashPool POOL = new HashPool();

  /** The output of {@code yes monoquant}. */
  private static int yes(ByteBuffer to, long position) {
    int length = to.remaining();
    byte[] text = "monoquant\n".getBytes(US_ASCII);
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = text[(int) ((position + i) % text.length)];
    }
    to.put(bytes);
    return length;
  }

  /**
   * {@code yes monoquant | head -c BYTES | split -b 67108864 --filter='sha256sum | cut -c -64 | xxd
   * -r -p' - | sha256sum}, and without {@code split} for the plain hash.
   */
  @ParameterizedTest
  @CsvSource({
    "0, e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,"
        + " e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "9, e166069a2c72026507103b9f684063a55f8c853cf0901fcd7cbdcfb9009702e4,"
        + " 5b295a007202a0b0377da19fb178cca2a5cb9b8792aa63765eca6b3d6830ab64",
    "67108864, 527aec3df04e7a3e7dfc79da45669825db7335874a5cfedfe10a504be1564d88,"
        + " 9909e81173a433587683b312988d4442a32ff89e05dce5760c7452c067329c2a",
    "67108865, edb245fdc059cda77ace74663f2dcce1bdd9a9830418d658c88431a07ed79af2,"
        + " 8327b58881d64dc19c389904120bc9c0144fcb55e854f51b70960c8d3f033a88",
    "150000000, b2e1bb8e9a14079a0f0cc17a9e3ad6c86d0d44c6b0e111d55f03760fc0ffe2b2,"
        + " 383538b29cfd3412facac18a267f81ae736c5940b394ff841b2328d9e4f87770"
  })
  void equalsTheHashesOfSha256sum(long bytes, String tree, String plain) throws IOException {
    // Read at an offset, which must not matter.
    HashPool.Bytes from = (to, position) -> yes(to, position - 3);
    assertThat(HashPool.await(POOL.submit(HashKind.PIECES, from, 3, bytes))).isEqualTo(tree);
    assertThat(HashPool.await(POOL.submit(HashKind.SHA256, from, 3, bytes))).isEqualTo(plain);
    CRC32 crc = new CRC32();
    for (long at = 0; at < bytes; ) {
      ByteBuffer block = ByteBuffer.allocate((int) Math.min(1 << 20, bytes - at));
      at += yes(block, at);
      crc.update(block.flip());
    }
    assertThat(HashPool.await(POOL.submitSums(HashKind.PIECES, from, 3, bytes)))
        .isEqualTo(new HashPool.Sums(tree, crc.getValue()));
    assertThat(HashPool.await(POOL.submitSums(HashKind.NONE, from, 3, bytes)))
        .isEqualTo(new HashPool.Sums("", crc.getValue()));
  }

  @Property
  void allKindsOfTheSameBytesAgree(@ForAll @Size(max = 200) byte[] bytes) throws IOException {
    HashPool.Bytes from =
        (to, position) -> {
          int length = Math.min(to.remaining(), 7);
          to.put(bytes, (int) position, Math.min(length, bytes.length - (int) position));
          return length;
        };
    for (HashKind kind : HashKind.values()) {
      assertThat(HashPool.await(POOL.submit(kind, from, 0, bytes.length)))
          .isEqualTo(kind.of(bytes))
          .hasSameSizeAs(kind.unknown());
    }
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    assertThat(HashKind.CRC32C.of(bytes))
        .isEqualTo(String.format("%016x%08x", bytes.length, crc.getValue()));
  }

  @Property
  void crcsOfPartsGiveTheCrcOfTheWhole(
      @ForAll @Size(max = 300) byte[] bytes, @ForAll @IntRange(max = 300) int cut) {
    int at = Math.min(cut, bytes.length);
    long first = crc32(Arrays.copyOf(bytes, at));
    long second = crc32(Arrays.copyOfRange(bytes, at, bytes.length));
    assertThat(CrcCombination.of(first, second, bytes.length - at)).isEqualTo(crc32(bytes));
  }

  private static long crc32(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    return crc.getValue();
  }

  @Test
  void aFileThatEndsEarlyIsAnError(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("short"), new byte[10]);
    for (HashKind kind : new HashKind[] {HashKind.SHA256, HashKind.PIECES, HashKind.CRC32C}) {
      assertThatThrownBy(() -> HashPool.await(POOL.submit(kind, file, 11)))
          .isInstanceOf(IOException.class)
          .hasMessage("the file ends at byte 10");
    }
  }
}
