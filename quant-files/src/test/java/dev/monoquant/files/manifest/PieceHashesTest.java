package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The hash of a file that is hashed in pieces is the hash of the file. */
class PieceHashesTest {

  @TempDir private Path folder;

  /** Two whole pieces and a rest, mostly holes. */
  private Path file(long size) throws IOException {
    Path file = folder.resolve("file" + size);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      byte[] bytes = new byte[Math.toIntExact(Math.min(size, 1000))];
      new Random(size).nextBytes(bytes);
      for (long at = 0; at < size; at += Math.max(1, size / 7)) {
        int length = (int) Math.min(bytes.length, size - at);
        channel.write(ByteBuffer.wrap(bytes, 0, length), at);
      }
      if (size > 0) {
        channel.write(ByteBuffer.wrap(new byte[] {1}), size - 1);
      }
    }
    return file;
  }

  @ParameterizedTest
  @EnumSource(
      value = HashKind.class,
      names = {"PIECES", "CRC32C"})
  void piecesHashedApartAreJoined(HashKind kind) throws IOException {
    try (HashPool pool = new HashPool()) {
      for (long size : List.of(0L, 1L, 1L << 26, (2L << 26) + 12_345)) {
        Path file = file(size);
        List<String> pieces = new ArrayList<>();
        for (long piece = 0; piece < PieceHashes.count(size); piece++) {
          pieces.addAll(new PieceHashes(pool, kind, file, piece, 1).await());
        }
        assertThat(PieceHashes.join(kind, pieces, size))
            .as(size + " bytes")
            .isEqualTo(HashPool.await(pool.submit(kind, file, size)));
        Files.delete(file);
      }
    }
  }

  @Test
  void otherPiecesAreRefused() {
    String crc = HashKind.CRC32C.unknown();
    assertThatThrownBy(() -> PieceHashes.join(HashKind.CRC32C, List.of(crc), 1L << 27))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PieceHashes.join(HashKind.PIECES, List.of(crc), 5))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PieceHashes.join(HashKind.NONE, List.of(""), 5))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFileThatChangesMeanwhileIsRefused() throws IOException {
    Path file = file(5000);
    try (HashPool pool = new HashPool()) {
      PieceHashes hashes = new PieceHashes(pool, HashKind.CRC32C, file, 0, 9);
      Files.write(file, new byte[4000]);
      assertThatThrownBy(hashes::await)
          .satisfiesAnyOf(
              e -> assertThat(e).isInstanceOf(ModelFormatException.class),
              e -> assertThat(e).isInstanceOf(IOException.class));
    }
  }

  @Test
  void crcsOfBothPolynomialsAreCombined() {
    byte[] bytes = new byte[3000];
    new Random(3).nextBytes(bytes);
    for (int cut : List.of(0, 1, 1500, 2999, 3000)) {
      long[] sums = new long[3];
      int[] from = {0, cut, 0};
      int[] until = {cut, 3000, 3000};
      for (int i = 0; i < 3; i++) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from[i], until[i] - from[i]);
        sums[i] = crc.getValue();
      }
      assertThat(CrcCombination.ofCrc32c(sums[0], sums[1], 3000 - cut)).isEqualTo(sums[2]);
    }
  }
}
