package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RunningHashTest {

  /** Bytes that come in any portions have the hash that they have at once. */
  @ParameterizedTest
  @EnumSource
  void portionsDoNotMatter(HashKind kind) {
    for (int length : new int[] {0, 1, 1000, HashKind.PIECE, HashKind.PIECE + 7}) {
      byte[] bytes = new byte[length];
      new Random(length).nextBytes(bytes);
      RunningHash hash = new RunningHash(kind);
      int most = Math.max(10, length / 5);
      for (int at = 0; at < length; ) {
        int more = Math.min(most - 3, length - at);
        ByteBuffer portion = ByteBuffer.wrap(bytes, at, more);
        hash.add(portion);
        assertThat(portion.hasRemaining()).isFalse();
        at += more;
      }
      assertThat(hash.hash()).as("%d bytes", length).isEqualTo(kind.of(bytes));
    }
  }
}
