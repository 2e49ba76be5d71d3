package dev.monoquant.files.gguf;

import static dev.monoquant.files.testing.GgufText.join;
import static dev.monoquant.files.testing.GgufText.text;
import static dev.monoquant.files.testing.GgufText.u32;
import static dev.monoquant.files.testing.GgufText.u64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.files.testing.GgufText;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The structure of GGUF files, intact and damaged. */
class GgufFileTest {

  @TempDir Path folder;

  private static GgufText small() {
    return new GgufText()
        .value("general.architecture", "llama")
        .value("llama.block_count", 1)
        .tensor("a.weight", 0, new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 1)
        .tensor("b.weight", 2, new byte[36], 32, 2);
  }

  @Test
  void readsAnIntactFile() throws IOException {
    try (GgufFile file = open(small().build())) {
      assertThat(file.metadata()).containsOnlyKeys("general.architecture", "llama.block_count");
      assertThat(file.metadata().get("llama.block_count").text()).isEqualTo("1");
      assertThat(file.tensors()).extracting("name").containsExactly("a.weight", "b.weight");
      GgufTensor first = file.tensors().get(0);
      assertThat(first.shape()).isEqualTo(TensorShape.of(1, 2));
      ByteBuffer bytes = file.read(first, 2, 3);
      assertThat(bytes.get(0)).isEqualTo((byte) 3);
      assertThat(bytes.remaining()).isEqualTo(3);
      assertThat(file.tensors().get(1).bytes()).isEqualTo(36);
      assertThat(file.unusedBytes()).isZero();
      assertThatThrownBy(() -> file.read(first, 6, 3))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void everyTypeOfValueIsRead() throws IOException {
    byte[] bytes =
        new GgufText()
            .value("u8", 0, new byte[] {-1})
            .value("i8", 1, new byte[] {-1})
            .value("u16", 2, new byte[] {-1, -1})
            .value("i16", 3, new byte[] {-1, -1})
            .value("u32", 4, u32(-1))
            .value("i32", 5, u32(-1))
            .value("f32", 6, u32(Float.floatToIntBits(0.5f)))
            .value("bool", 7, new byte[] {1})
            .value("text", "\u00fc")
            .value("list", 9, join(u32(8), u64(2), text("a"), text("")))
            .value("numbers", 9, join(u32(2), u64(3), new byte[6]))
            .value("u64", 10, u64(-1))
            .value("i64", 11, u64(-1))
            .value("f64", 12, u64(Double.doubleToLongBits(0.1)))
            .build();
    try (GgufFile file = open(bytes)) {
      assertThat(file.metadata().values())
          .extracting(GgufValue::text)
          .containsExactly(
              "255",
              "-1",
              "65535",
              "-1",
              "4294967295",
              "-1",
              "0.5",
              "true",
              "\u00fc",
              "2 of string",
              "3 of uint16",
              "18446744073709551615",
              "-1",
              "0.1");
      GgufValue list = file.metadata().get("numbers");
      assertThat(list.bytes()).isEqualTo(4 + 8 + 6);
    }
  }

  /** llama.cpp writes the padding of the last tensor, other programs do not. */
  @Test
  void lastPaddingMayBeMissing() throws IOException {
    byte[] whole = small().build();
    try (GgufFile file = open(Arrays.copyOf(whole, whole.length - 28))) {
      assertThat(file.unusedBytes()).isZero();
    }
    assertThatThrownBy(() -> open(Arrays.copyOf(whole, whole.length - 29)).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.TRUNCATED));
    try (GgufFile file = open(Arrays.copyOf(whole, whole.length + 5))) {
      assertThat(file.unusedBytes()).isEqualTo(5);
    }
  }

  @Test
  void anotherAlignmentIsKept() throws IOException {
    byte[] bytes =
        new GgufText()
            .alignedTo(64)
            .value("general.alignment", 64)
            .tensor("a", 0, new byte[4], 1)
            .tensor("b", 0, new byte[] {9, 0, 0, 0}, 1)
            .build();
    try (GgufFile file = open(bytes)) {
      assertThat(file.read(file.tensors().get(1), 0, 1).get()).isEqualTo((byte) 9);
    }
  }

  private static Arguments refused(Reason reason, String message, GgufText file) {
    return Arguments.of(reason, message, file.build());
  }

  /** The file with a byte that UTF-8 has not instead of the only {@code @}. */
  private static byte[] withoutUtf8(byte[] file) {
    for (int i = 0; i < file.length; i++) {
      if (file[i] == '@') {
        file[i] = (byte) 0xFE;
      }
    }
    return file;
  }

  static Stream<Arguments> broken() {
    GgufText big = small();
    return Stream.of(
        Arguments.of(Reason.NOT_THIS_FORMAT, "begin with GGUF", new byte[64]),
        Arguments.of(Reason.NOT_THIS_FORMAT, "begin with GGUF", new byte[0]),
        refused(Reason.VERSION, "of version 1", small().version(1)),
        refused(Reason.VERSION, "of version 4", small().version(4)),
        refused(Reason.VERSION, "big-endian", big.version(Integer.reverseBytes(3))),
        refused(Reason.LIMIT, "maxTensors", small().tensors(Long.MAX_VALUE)),
        refused(Reason.LIMIT, "18446744073709551614 tensors", small().tensors(-2)),
        refused(Reason.TRUNCATED, "the number of values", small().values(Long.MAX_VALUE)),
        refused(Reason.ENTRY, "tensor 2: has an empty name", small().tensors(3)),
        refused(Reason.ENTRY, "tensor 2: has an empty name", small().tensor("", 0, new byte[4], 1)),
        refused(Reason.METADATA, "value 2: has an empty name", small().value("", 1)),
        Arguments.of(
            Reason.HEADER_ENCODING,
            "the name of a tensor: is not UTF-8",
            withoutUtf8(small().tensor("c@weight", 0, new byte[4], 1).build())),
        Arguments.of(
            Reason.HEADER_ENCODING,
            "a key: is not UTF-8",
            withoutUtf8(small().value("llama@x", 1).build())),
        refused(
            Reason.DUPLICATE_KEY,
            "value \"llama.block_count\"",
            small().value("llama.block_count", 2)),
        refused(Reason.METADATA, "is of type 13", small().value("x", 13, new byte[4])),
        refused(Reason.METADATA, "bool 2", small().value("x", 7, new byte[] {2})),
        refused(
            Reason.METADATA,
            "array of arrays",
            small().value("x", 9, join(u32(9), u64(1), u32(0), u64(0)))),
        refused(
            Reason.TRUNCATED,
            "value \"x\"",
            small().value("x", 9, join(u32(10), u64(Long.MAX_VALUE / 4)))),
        refused(
            Reason.TRUNCATED,
            "value \"x\"",
            small().value("x", 9, join(u32(8), u64(2), text("a"), u64(1L << 40)))),
        refused(
            Reason.TRUNCATED, "value \"x\"", small().value("x", 8, join(u64(1L << 60), u32(0)))),
        refused(
            Reason.HEADER_ENCODING,
            "not UTF-8",
            small().value("x", 8, join(u64(1), new byte[] {-1}))),
        refused(Reason.METADATA, "is of type 13", small().value("x", 9, join(u32(13), u64(0)))),
        refused(Reason.TRUNCATED, "value \"x\"", small().value("x", 9, join(u32(0), u64(-1)))),
        refused(Reason.LIMIT, "bytes in a key", small().value("k".repeat(70_000), 1)),
        refused(Reason.METADATA, "general.alignment", small().value("general.alignment", 0)),
        refused(Reason.METADATA, "general.alignment", small().value("general.alignment", 1 << 21)),
        refused(Reason.METADATA, "general.alignment", small().value("general.alignment", 24)),
        refused(Reason.METADATA, "general.alignment", small().value("general.alignment", "32")),
        refused(
            Reason.DUPLICATE_KEY, "\"a.weight\"", small().tensor("a.weight", 0, new byte[4], 1)),
        refused(Reason.SHAPE, "has 0 dimensions", small().tensor("c", 0, new byte[4])),
        refused(
            Reason.SHAPE, "has 5 dimensions", small().tensor("c", 0, new byte[4], 1, 1, 1, 1, 1)),
        refused(
            Reason.OVERFLOW, "63 bits", small().tensor("c", 0, new byte[4], 1L << 40, 1L << 40)),
        refused(Reason.OVERFLOW, "63 bits", small().tensor("c", 0, new byte[4], 1L << 62)),
        refused(Reason.OVERFLOW, "63 bits", small().tensor("c", 0, new byte[4], -1)),
        refused(Reason.DTYPE, "type 4", small().tensor("c", 4, new byte[4], 1)),
        refused(Reason.DTYPE, "type 4294967295", small().tensor("c", -1, new byte[4], 1)),
        refused(Reason.SHAPE, "no whole blocks of 32", small().tensor("c", 2, new byte[18], 31)),
        refused(Reason.SHAPE, "has no numbers", small().tensor("c", 2, new byte[0], 32, 0)),
        refused(Reason.OFFSETS, "end at 96", small().tensorAt(64, "c", 0, new byte[4], 1)),
        refused(Reason.OFFSETS, "end at 96", small().tensorAt(-32, "c", 0, new byte[4], 1)),
        refused(Reason.OFFSETS, "end at 96", small().tensorAt(0, "c", 0, new byte[4], 1)),
        refused(Reason.OFFSETS, "end at 96", small().tensorAt(97, "c", 0, new byte[4], 1)),
        refused(
            Reason.OFFSETS, "end at 96", small().tensorAt(Long.MAX_VALUE, "c", 0, new byte[4], 1)),
        refused(Reason.TRUNCATED, "needs", small().tensor("c", 0, new byte[4], 1000)),
        refused(
            Reason.LIMIT, "maxNameLength", small().tensor("n".repeat(70_000), 0, new byte[4], 1)));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void refusesByName(Reason reason, String message, byte[] bytes) {
    assertThatThrownBy(() -> open(bytes).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason))
        .hasMessageContaining(message);
  }

  /** A file that ends early, at any byte, is refused as damaged and never read in part. */
  @Test
  void aFileThatEndsAtAnyByteIsRefused() {
    byte[] whole = small().build();
    for (int length = 0; length < whole.length - 28; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> open(cut).close())
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOf(ModelFormatException.class);
    }
  }

  /** A million empty texts take 8 MB in the file and no memory here. */
  @Test
  void aLongListIsNotHeld() throws IOException {
    byte[] list = join(u32(8), u64(1_000_000), new byte[8_000_000]);
    byte[] bytes = new GgufText().value("x", 9, list).build();
    Path path = Files.write(folder.resolve("list.gguf"), bytes);
    ReadLimits limits = ReadLimits.DEFAULT.withMaxParsedBytes(10_000);
    try (GgufFile file = GgufFile.open(path, "list.gguf", limits)) {
      assertThat(file.metadata().get("x").text()).isEqualTo("1000000 of string");
    }
  }

  @Test
  void whatIsHeldIsCharged() throws IOException {
    byte[] bytes = new GgufText().value("x", "y".repeat(10_000)).build();
    Path path = Files.write(folder.resolve("text.gguf"), bytes);
    ReadLimits limits = ReadLimits.DEFAULT.withMaxParsedBytes(10_000);
    assertThatThrownBy(() -> GgufFile.open(path, "text.gguf", limits).close())
        .hasMessageContaining("maxParsedBytes");
  }

  /** Damage is refused or harmless, never another exception. */
  @Property
  void anyDamageIsRefusedOrRead(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    byte[] bytes = small().build();
    for (int i = random.nextInt(4); i >= 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    byte[] cut =
        random.nextInt(3) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    Path path = Files.createTempFile("damaged", ".gguf");
    try (GgufFile file = GgufFile.open(Files.write(path, cut), "damaged", ReadLimits.DEFAULT)) {
      for (GgufTensor tensor : file.tensors()) {
        file.read(tensor, 0, (int) tensor.bytes());
      }
    } catch (QuantException refused) {
      assertThat(refused).hasMessageContaining("damaged");
    } finally {
      Files.delete(path);
    }
  }

  private GgufFile open(byte[] bytes) throws IOException {
    Path path = Files.write(folder.resolve("file.gguf"), bytes);
    return GgufFile.open(path, "file.gguf", ReadLimits.DEFAULT);
  }
}
