package dev.monoquant.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the corpus leaves out: files too big to be kept, foreign files, limits, directories. */
class ReaderTest {

  @TempDir Path folder;

  private static final String ONE =
      "{\"x\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}}";

  private static byte[] file(String header, int dataBytes) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  private Path put(String name, byte[] bytes) throws IOException {
    Path path = folder.resolve(name);
    Files.createDirectories(path.getParent());
    return Files.write(path, bytes);
  }

  private static void assertRefused(
      InputFormatDetector format, Path path, ReadLimits limits, Reason reason, String mention) {
    assertThat(format.probe(ModelInput.of(path))).isNotEqualTo(Match.NONE);
    assertThatThrownBy(() -> format.open(ModelInput.of(path), limits).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> {
              assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason);
              assertThat(e.getMessage())
                  .startsWith(path.toString())
                  .contains(mention)
                  .doesNotContain("\n");
            });
  }

  private void assertFileRefused(byte[] bytes, Reason reason, String mention) throws IOException {
    Path path = put("x.safetensors", bytes);
    assertRefused(new SafetensorsFormat(), path, ReadLimits.DEFAULT, reason, mention);
  }

  private void assertDirectoryRefused(Reason reason, String mention) {
    assertRefused(new ModelDirectoryFormat(), folder, ReadLimits.DEFAULT, reason, mention);
  }

  /** Sparse, so that it takes no room; the last bytes lie beyond 2 and beyond 4 GiB. */
  @ParameterizedTest
  @ValueSource(longs = {(1L << 31) + 77, (1L << 32) + 100_000_007L})
  void offsetsHave64Bits(long elements) throws IOException {
    Path path = folder.resolve("big.safetensors");
    String header =
        ("{\"a\":{\"dtype\":\"I8\",\"shape\":[%d],\"data_offsets\":[0,%d]},"
                + "\"b\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[%d,%d]}}")
            .formatted(elements, elements, elements, elements + 4);
    byte[] start = file(header, 0);
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(start), 0);
      for (long at : new long[] {0, (1L << 30) - 2, (1L << 31) - 2, elements - 5}) {
        channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), start.length + at);
      }
      channel.write(ByteBuffer.wrap(new byte[] {6, 7, 8, 9}), start.length + elements);
    }
    try (ModelSource source =
        new SafetensorsFormat().open(ModelInput.of(path), ReadLimits.DEFAULT)) {
      TensorInfo a = source.info().tensors().get(0);
      assertThat(a.shape()).isEqualTo(TensorShape.of(elements));
      for (long at : new long[] {0, (1L << 30) - 2, (1L << 31) - 2, elements - 5}) {
        byte[] five = new byte[5];
        source.read(a, at, 5).get(five);
        assertThat(five).as("at " + at).containsExactly(1, 2, 3, 4, 5);
      }
      ByteBuffer longRead = source.read(a, 3, (1 << 30) + 9);
      assertThat(longRead.remaining()).isEqualTo((1 << 30) + 9);
      assertThat(longRead.get((1 << 30) - 5)).isEqualTo((byte) 1);
      ByteBuffer b = source.read(source.info().tensors().get(1), 0, 4);
      assertThat(b.getShort()).isEqualTo((short) 0x0706);
      assertThat(b.getShort()).isEqualTo((short) 0x0908);
      assertThatThrownBy(() -> source.read(a, elements - 1, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
    } finally {
      Files.delete(path);
    }
  }

  @Test
  void foreignFilesAreNamed() throws IOException {
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
      out.write(new byte[600_000]);
    }
    assertFileRefused(gzip.toByteArray(), Reason.NOT_THIS_FORMAT, "gzip");
    assertFileRefused(new byte[0], Reason.TRUNCATED, "0 bytes");
    assertFileRefused(text("<!DOCTYPE html><html>"), Reason.NOT_THIS_FORMAT, "HTML");
    assertFileRefused(text("PK\u0003\u0004 and so on"), Reason.NOT_THIS_FORMAT, "zip");
    assertFileRefused(text("GGUF\u0003\u0000\u0000\u0000"), Reason.NOT_THIS_FORMAT, "GGUF");
    assertFileRefused(text("\u0080\u0002}q\u0000X\u0001a"), Reason.NOT_THIS_FORMAT, "pickle");
    assertFileRefused(
        text("\u0008\u0007\u0012\u0007pytorch\u001a"), Reason.NOT_THIS_FORMAT, "ONNX");
    assertFileRefused(text("{\"weight_map\": {}}"), Reason.NOT_THIS_FORMAT, "JSON");
    assertFileRefused(text("nothing anybody knows"), Reason.HEADER_SIZE, "no safetensors file");
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The header of a valid file may have a length whose bytes look like another magic number. */
  @Test
  void aValidFileIsNeverTakenForAForeignOne() throws IOException {
    int length = 0x00088b1f;
    byte[] bytes = file(ONE + " ".repeat(length - ONE.length()), 2);
    assertThat(bytes[0]).isEqualTo((byte) 0x1f);
    assertThat(bytes[1]).isEqualTo((byte) 0x8b);
    try (ModelSource source =
        new SafetensorsFormat()
            .open(ModelInput.of(put("x.safetensors", bytes)), ReadLimits.DEFAULT)) {
      assertThat(source.info().tensors())
          .containsExactly(new TensorInfo("x", ElementType.INT8, TensorShape.of(2)));
    }
  }

  @Test
  void contentCountsNotTheName() throws IOException {
    SafetensorsFormat format = new SafetensorsFormat();
    assertThat(format.probe(ModelInput.of(put("weights.bin", file(ONE, 2)))))
        .isEqualTo(Match.CERTAIN);
    assertThat(
            format.probe(ModelInput.of(put("cut.bin", java.util.Arrays.copyOf(file(ONE, 2), 30)))))
        .isEqualTo(Match.LIKELY);
    assertThat(format.probe(ModelInput.of(put("x.bin", text("anything else at all")))))
        .isEqualTo(Match.NONE);
    assertThat(format.probe(ModelInput.of(put("x.safetensors", text("anything else at all")))))
        .isEqualTo(Match.POSSIBLE);
    assertThat(format.probe(ModelInput.of(folder.resolve("not there")))).isEqualTo(Match.NONE);
    assertThat(format.probe(ModelInput.of(folder))).isEqualTo(Match.NONE);
    assertThat(format.probe(ModelInput.of(Map.of()))).isEqualTo(Match.NONE);
    assertThat(new ModelDirectoryFormat().probe(ModelInput.of(Map.of()))).isEqualTo(Match.NONE);
  }

  @Test
  void limitsAreNamed() throws IOException {
    Path path = put("x.safetensors", file(ONE, 2));
    SafetensorsFormat format = new SafetensorsFormat();
    assertRefused(
        format, path, ReadLimits.DEFAULT.withMaxHeaderBytes(10), Reason.LIMIT, "maxHeaderBytes");
    String two =
        "{\"x\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            + "\"y\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
    assertRefused(
        format,
        put("x.safetensors", file(two, 2)),
        ReadLimits.DEFAULT.withMaxTensors(1),
        Reason.LIMIT,
        "maxTensors");
  }

  /** The first fault in the order of the file is reported, whatever else is wrong. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'dtype':'F32','shape':[1],'data_offsets':[0,4] | 'dtype':'F31','shape':[1] | DTYPE | b",
        "'dtype':'F31','shape':[1],'data_offsets':[0,4] | 'dtype':'F32','shape':[1] | DTYPE | a",
        "'dtype':'F32','shape':[1],'data_offsets':[4,8] | 'dtype':'F32','shape':[1],'data_offsets':[5,9]"
            + " | OFFSETS | a",
        "'dtype':'F32','shape':[-1],'data_offsets':[4,8] | 'dtype':'F32' | SHAPE | -1"
      })
  void theFirstFaultCounts(String a, String b, Reason reason, String mention) throws IOException {
    String header = "{'a':{" + a + "},'b':{" + b + "}}";
    assertFileRefused(file(header.replace('\'', '"'), 16), reason, mention);
  }

  @Test
  void aSourceIsNotReadAfterItWasClosed() throws IOException {
    ModelSource source =
        new SafetensorsFormat()
            .open(ModelInput.of(put("x.safetensors", file(ONE, 2))), ReadLimits.DEFAULT);
    TensorInfo x = source.info().tensors().get(0);
    source.close();
    assertThatThrownBy(() -> source.read(x, 0, 1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void ambiguousDirectoriesAreRefused() throws IOException {
    put("model.safetensors", file(ONE, 2));
    put("model.safetensors.index.json", text("{\"weight_map\":{\"x\":\"model.safetensors\"}}"));
    assertDirectoryRefused(Reason.AMBIGUOUS_ROOT, "\"model.safetensors\"");
    Files.delete(folder.resolve("model.safetensors.index.json"));
    Files.move(folder.resolve("model.safetensors"), folder.resolve("a.safetensors"));
    put("b.safetensors", file(ONE, 2));
    assertDirectoryRefused(Reason.AMBIGUOUS_ROOT, "\"b.safetensors\"");
    Files.delete(folder.resolve("b.safetensors"));
    new ModelDirectoryFormat().open(ModelInput.of(folder), ReadLimits.DEFAULT).close();
  }

  @Test
  void aTensorInTwoShardsIsRefused() throws IOException {
    put("a.safetensors", file(ONE, 2));
    put("b.safetensors", file(ONE, 2));
    put(
        "model.safetensors.index.json",
        text("{\"weight_map\":{\"x\":\"a.safetensors\"," + "\"y\":\"b.safetensors\"}}"));
    assertDirectoryRefused(Reason.DUPLICATE_KEY, "\"x\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/etc/passwd",
        "..",
        "a/../b.safetensors",
        "./a.safetensors",
        "a//b.safetensors",
        "C:a.safetensors",
        "a\\b.safetensors",
        "a.bin",
        "a\\u0000.safetensors",
        "dir.safetensors",
        "https://host/a.safetensors"
      })
  void shardNamesThatAreNoneAreRefused(String name) throws IOException {
    Files.createDirectory(folder.resolve("dir.safetensors"));
    put(
        "model.safetensors.index.json",
        text("{\"weight_map\":{\"x\":\"" + name.replace("a\\b", "a\\\\b") + "\"}}"));
    assertDirectoryRefused(Reason.SHARD_PATH, "tensor \"x\"");
  }

  @Test
  void everyMissingShardIsListed() throws IOException {
    put("a.safetensors", file(ONE, 2));
    put(
        "model.safetensors.index.json",
        text(
            "{\"weight_map\":{\"x\":\"a.safetensors\",\"y\":\"c/d.safetensors\","
                + "\"z\":\"b.safetensors\"}}"));
    assertDirectoryRefused(
        Reason.SHARD_MISSING,
        "2 of 3 shards are not there: \"c/d.safetensors\", \"b.safetensors\". Upper and"
            + " lower case count. Fetch them too, or decide: --option index=shards");
  }

  /** To take what the shards hold is no remedy if there are none. */
  @Test
  void withoutAnyShardThereIsNothingToDecide() throws IOException {
    put("model.safetensors.index.json", text("{\"weight_map\":{\"x\":\"a.safetensors\"}}"));
    assertDirectoryRefused(
        Reason.SHARD_MISSING,
        "1 of 1 shards are not there: \"a.safetensors\". Upper and lower case count. Fetch them too.");
  }

  @Test
  void theIndexMayBeGivenAndSideFilesAreFound() throws IOException {
    put("in/deep/a.safetensors", file(ONE, 2));
    Path index =
        put(
            "in/model.safetensors.index.json",
            text("{\"weight_map\":{\"x\":\"deep/a.safetensors\"}}"));
    put("in/config.json", text("{}"));
    put("in/deep/vocab.txt", text("v"));
    put("in/.gitattributes", text("g"));
    put("in/.git/config", text("no"));
    put("in/pytorch_model.bin", text("no"));
    put("in/.model.quant-1-0123456789abcdef.tmp", text("no"));
    Path secret = put("secret.txt", text("no"));
    Files.createSymbolicLink(folder.resolve("in/link.txt"), secret);
    Files.createSymbolicLink(folder.resolve("in/inside.txt"), folder.resolve("in/config.json"));
    for (Path path : new Path[] {index, folder.resolve("in")}) {
      try (ModelSource source =
          new ModelDirectoryFormat().open(ModelInput.of(path), ReadLimits.DEFAULT)) {
        assertThat(source.info().sideFiles())
            .extracting(SideFile::name)
            .containsExactly(".gitattributes", "config.json", "deep/vocab.txt", "inside.txt");
        assertThat(source.info().tensors())
            .containsExactly(
                new TensorInfo("x", ElementType.INT8, TensorShape.of(2), "deep/a.safetensors"));
        assertThat(source.info().files()).contains(index, folder.resolve("in/deep/a.safetensors"));
      }
    }
  }
}
