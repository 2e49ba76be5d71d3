package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.cli.Main;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A bound of the memory holds for a model that is larger, and changes no byte of the output. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "RssAnon is a field of /proc")
class MemoryBoundTest {

  private static final QuantizationConfig INT8 =
      QuantizationConfig.builder().scheme("int8").build();

  @TempDir private Path folder;

  /** A sparse file: matrices of zeros, but for the first numbers of each. */
  private Path checkpoint(int layers, long rows, long cols) throws IOException {
    StringBuilder json = new StringBuilder();
    long bytes = rows * cols * 2;
    for (int i = 0; i < layers; i++) {
      json.append(i == 0 ? "{" : ",")
          .append("\"l" + i + ".weight\":{\"dtype\":\"BF16\",\"shape\":[" + rows + "," + cols)
          .append("],\"data_offsets\":[" + i * bytes + "," + (i + 1) * bytes + "]}");
    }
    byte[] header = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("sparse.safetensors");
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      out.write(length.putLong(header.length).array());
      out.write(header);
      for (int i = 0; i < layers; i++) {
        out.seek(8 + header.length + i * bytes);
        out.write(new byte[] {(byte) 0x80, 0x3f, 0x11, (byte) 0xbe, 0x21, 0x3d});
      }
      out.setLength(8 + header.length + layers * bytes);
    }
    return file;
  }

  @Test
  void aModelOfTwiceTheMemoryIsQuantizedWithinItsBound() throws Exception {
    Path input = checkpoint(16, 2048, 4096);
    Path output = folder.resolve("bounded.safetensors");
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(
        List.of("-Xshare:auto", "-XX:+UseSerialGC", "-Xmx48m", "-XX:FreqInlineSize=60", "-cp"));
    command.addAll(List.of(System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of("quantize", input.toString(), "-o", output.toString()));
    command.addAll(List.of("--max-memory", "128m", "--threads", "3", "--no-sync", "--quiet"));
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    Path status = Path.of("/proc/" + process.pid() + "/status");
    long peak = 0;
    do {
      try {
        peak = Math.max(peak, anonymousKibibytes(Files.readString(status)));
      } catch (IOException ended) {
        // Between the look and the end of the process.
      }
    } while (!process.waitFor(5, TimeUnit.MILLISECONDS));
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
    assertThat(peak).as("KiB of anonymous memory").isBetween(1L, 128L << 10);

    Path free = folder.resolve("free.safetensors");
    Quantizer.create().withThreads(2).quantize(ModelInput.of(input), INT8, free, false);
    assertThat(Files.mismatch(output, free)).isEqualTo(-1);
  }

  private static long anonymousKibibytes(String status) {
    return status
        .lines()
        .filter(line -> line.startsWith("RssAnon:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .sum();
  }
}
