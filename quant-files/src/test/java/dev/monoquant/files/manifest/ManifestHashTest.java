package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

/** The hash of a manifest covers its bytes with its own digits as zeros. */
class ManifestHashTest {

  /** Of two letters, so that the digits stand there often, one behind the other and overlapping. */
  @Property(tries = 500)
  void everyPlaceOfTheDigitsCountsAsZeros(
      @ForAll @StringLength(min = 1, max = 3) @CharRange(from = 'a', to = 'b') String self,
      @ForAll @StringLength(max = 12) @CharRange(from = 'a', to = 'b') String text) {
    StringBuilder open = new StringBuilder(text);
    for (int at = text.indexOf(self); at >= 0; at = text.indexOf(self, at + 1)) {
      open.replace(at, at + self.length(), "0".repeat(self.length()));
    }
    assertThat(hashOf(self, text))
        .isEqualTo(Sha256.of(open.toString().getBytes(StandardCharsets.US_ASCII)));
  }

  /** A hostile file may have a text of many megabytes there, which is not looked for. */
  @Test
  void whatIsLongerThanAHashIsNotLookedFor() {
    String hash = "a".repeat(64);
    assertThat(hashOf(hash, "<" + hash + ">")).isEqualTo(hashOf("b", "<" + "0".repeat(64) + ">"));
    String longer = "a".repeat(65);
    assertThat(hashOf(longer, "<" + longer + ">")).isEqualTo(hashOf("b", "<" + longer + ">"));
  }

  private static String hashOf(String self, String text) {
    return Manifest.of(
            new Manifest.Kinds(HashKind.NONE, HashKind.NONE), Manifest.sorted(), Manifest.sorted())
        .withSelf(self)
        .hashOf(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
  }
}
