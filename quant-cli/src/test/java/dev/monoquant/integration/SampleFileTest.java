package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.RunComparison;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Inputs from files of numpy: what the engine knows is run, anything else is refused by name. */
class SampleFileTest {

  private static final int COUNT = 2 * 8 * 8;

  @TempDir private Path folder;

  private Path npz(int version, String header, byte[] numbers) throws IOException {
    ByteArrayOutputStream array = new ByteArrayOutputStream();
    array.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    byte[] text = (header + "\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer length = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    length.putInt(text.length);
    array.write(length.array(), 0, version == 1 ? Short.BYTES : Integer.BYTES);
    array.write(text);
    array.write(numbers);
    Path file = folder.resolve("inputs.npz");
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("x.npy"));
      zip.write(array.toByteArray());
    }
    return file;
  }

  private static String header(String type, boolean byColumns, String shape) {
    return "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }"
        .formatted(type, byColumns ? "True" : "False", shape);
  }

  private static byte[] floats(int count) {
    ByteBuffer bytes = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    Random random = new Random(5);
    for (int i = 0; i < count; i++) {
      bytes.putFloat(random.nextFloat());
    }
    return bytes.array();
  }

  private static RunComparison run(Path sample) throws IOException {
    Path model = Digits.CNN.script("traced");
    return Quantizer.create()
        .withSamples(List.of(SampleInputs.of(sample)))
        .runSideBySide(List.of(model, model));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void floatsAreRun(int version) throws Exception {
    RunComparison run = run(npz(version, header("<f4", false, "2, 1, 8, 8"), floats(COUNT)));
    assertThat(run.others().get(0).outputs().elements()).isEqualTo(20);
  }

  /** The shape that the header tells is that of the array, whatever the order of its numbers. */
  @Test
  void arraysByColumnsHaveTheirShape() throws Exception {
    assertThatThrownBy(() -> run(npz(1, header("<f4", true, "8, 8, 1, 2, 1"), floats(COUNT))))
        .hasMessageContaining("1, 2, 1");
    RunComparison run = run(npz(1, header("<f4", true, "2, 1, 8, 8"), floats(COUNT)));
    assertThat(run.others().get(0).outputs().elements()).isEqualTo(20);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "<u2 ; 2, 1, 8, 8 ; its type is \"<u2\"",
        "<i2 ; 2, 1, 8, 8 ; its type is \"<i2\"",
        ">f4 ; 2, 1, 8, 8 ; its type is \">f4\"",
        "|O ; 1 ; its type is \"|O\"",
        "<f4 ; 2, 1, 8, 9 ; its header tells of 576",
        "<f4 ; 99999999999, 99999999999 ; its header tells of",
        "<f4 ; -1 ; its header is not understood",
      })
  void whatIsNoInputIsRefusedByName(String type, String shape, String message) throws Exception {
    Path file = npz(1, header(type, false, shape), floats(COUNT));
    assertThatThrownBy(() -> run(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("array \"x\": ")
        .hasMessageContaining(message);
  }

  @Test
  void damagedFilesAreRefused() throws Exception {
    Path none = Files.writeString(folder.resolve("none.npz"), "no zip at all");
    assertThatThrownBy(() -> run(none))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("could not be read as .npz");
    assertThatThrownBy(() -> run(folder.resolve("missing.npz")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no such file");
    Path odd = npz(1, "{}", new byte[0]);
    assertThatThrownBy(() -> run(odd)).hasMessageContaining("its header is not understood");
  }
}
