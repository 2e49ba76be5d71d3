package dev.monoquant.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs the usual commands on a small model, so that their classes are loaded. What they say is of
 * no interest, and one that fails, such as for kernels that the processor has not, is left out.
 */
final class Rehearsal {

  private static final int SIDE = 256;

  private static final List<String> COMMANDS =
      List.of(
          "--help",
          "inspect model.safetensors",
          "plan model.safetensors",
          "quantize model.safetensors -o int8.safetensors --scheme int8 --compute vector",
          "quantize model.safetensors -o int4.safetensors --scheme int4 --granularity group:128",
          "quantize model.safetensors -o fp8.safetensors --scheme fp8",
          "verify int8.safetensors",
          "compare model.safetensors int8.safetensors",
          "dequantize int8.safetensors -o floats.safetensors");

  private Rehearsal() {}

  /**
   * Runs the commands.
   *
   * @param args a folder for the model and the outputs
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    Files.write(folder.resolve("model.safetensors"), model());
    PrintWriter silent = new PrintWriter(Writer.nullWriter());
    for (String command : COMMANDS) {
      String[] words = command.split(" ");
      for (int i = 0; i < words.length; i++) {
        if (words[i].endsWith(".safetensors")) {
          words[i] = folder.resolve(words[i]).toString();
        }
      }
      Main.run(silent, silent, words);
    }
  }

  /** A safetensors file with one layer in BF16, whose numbers have exponents around 0. */
  private static byte[] model() {
    int size = SIDE * SIDE * Short.BYTES;
    byte[] header =
        ("{\"layers.0.q_proj.weight\":{\"dtype\":\"BF16\",\"shape\":["
                + SIDE
                + ","
                + SIDE
                + "],\"data_offsets\":[0,"
                + size
                + "]}}")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Long.BYTES + header.length + size).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    for (int i = 0; i < SIDE * SIDE; i++) {
      file.putShort((short) (0x3C00 + i % 512));
    }
    return file.array();
  }
}
