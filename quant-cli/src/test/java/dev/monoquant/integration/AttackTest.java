package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files and circumstances that once took minutes, all threads, or files of other users. */
@Timeout(120)
class AttackTest {

  private static final int LONGEST = 64_000;

  @TempDir private Path folder;

  private static Path safetensors(Path file, String name) throws IOException {
    String header =
        "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[64,32],\"data_offsets\":[0,8192]}}";
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + 8192).order(ByteOrder.LITTLE_ENDIAN);
    return Files.write(file, bytes.putLong(text.length).put(text).array());
  }

  /** Names that patterns for the names of layers and parts match in very many ways. */
  @ParameterizedTest
  @ValueSource(
      strings = {"i_weight_", "w", "weight_", "b_", "_", "experts.0.", "self_attn.q_proj.", "0."})
  void aLongNameEndsAtOnce(String piece) throws IOException {
    String name = piece.repeat(LONGEST / piece.length()) + "x.weight";
    ModelInput input = ModelInput.of(safetensors(folder.resolve("long.safetensors"), name));
    assertThat(Quantizer.create().inspect(input).toTable()).contains("64x32");
    Path out = folder.resolve("out.safetensors");
    Quantizer.create().quantize(input, QuantizationConfig.DEFAULT, out, false);
    assertThat(out).exists();
  }

  private Path program(String code, byte[] pickle) throws IOException {
    Path file = folder.resolve("model.pt");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      put(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
      put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      put(zip, "data.pkl", pickle);
      put(zip, "code/__torch__.py", code.getBytes(StandardCharsets.US_ASCII));
    }
    return file;
  }

  private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
    zip.putNextEntry(new ZipEntry("model/" + name));
    zip.write(content);
    zip.closeEntry();
  }

  /** A list of 20,000 parameters, as in a traced model of many, is no expression to go through. */
  @Test
  void aLongListOfParametersIsRead() throws IOException {
    StringBuilder code = new StringBuilder("class Net(Module):\n  __parameters__ = [");
    for (int i = 0; i < 20_000; i++) {
      code.append("\"p").append(i).append("\", ");
    }
    code.append("]\n  __buffers__ = []\n  training : bool\n")
        .append("  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n")
        .append("    y = torch.add(x, ")
        .append("(".repeat(20))
        .append("1")
        .append(")".repeat(20))
        .append(")\n    return y\n");
    byte[] pickle =
        "\u0080\2c__torch__\nNet\n)\u0081}X\10\0\0\0training\u0089sb."
            .getBytes(StandardCharsets.ISO_8859_1);
    Path file = program(code.toString(), pickle);
    // There are no weights: what matters is that it is said at once.
    assertThatCode(() -> Quantizer.create().inspect(ModelInput.of(file)))
        .satisfiesAnyOf(
            e -> assertThat(e).isNull(),
            e ->
                assertThat(e)
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("model.pt"));
  }

  @Test
  void manyShardsTakeFewThreads() throws IOException {
    Path model = Checkpoint.directory(folder.resolve("in"), 7, 300, 8);
    int before = Thread.getAllStackTraces().size();
    AtomicInteger most = new AtomicInteger();
    Quantizer.create()
        .withThreads(2)
        .withProgress(
            (stage, done, total, item) ->
                most.accumulateAndGet(Thread.getAllStackTraces().size(), Math::max))
        .quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, folder.resolve("out"), false);
    assertThat(most.get()).isPositive().isLessThan(before + 30);
  }

  /** Nothing is decided by the clock: files that come from the future are as good as others. */
  @Test
  void aClockThatWasSetBackChangesNothing() throws IOException {
    Path model = safetensors(folder.resolve("model.safetensors"), "fc.weight");
    Path out = folder.resolve("out.safetensors");
    Quantizer.create().quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, out, false);
    byte[] expected = Files.readAllBytes(out);
    Path dead = folder.resolve(".out.safetensors.quant-999999999999-0123456789abcdef.tmp");
    Files.writeString(dead, "left by a run that was killed");
    FileTime future = FileTime.from(Instant.parse("2199-01-01T00:00:00Z"));
    for (Path path : new Path[] {model, out, dead, folder}) {
      Files.setLastModifiedTime(path, future);
    }
    Quantizer.create().quantize(ModelInput.of(model), QuantizationConfig.DEFAULT, out, true);
    assertThat(out).hasBinaryContent(expected);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(model, out);
    }
  }
}
