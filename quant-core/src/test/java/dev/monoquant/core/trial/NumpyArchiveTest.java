package dev.monoquant.core.trial;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ConfigurationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NumpyArchiveTest {

  private static final float[] ROWS = {1, 2, 3, 4, 5, 6};
  private static final float[] COLUMNS = {1, 4, 2, 5, 3, 6};

  @TempDir private Path temp;

  @Test
  void bothOrdersGiveTheSameNumbers() throws IOException {
    Path file = temp.resolve("both.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      write(zip, "rows", false, ROWS);
      write(zip, "columns", true, COLUMNS);
    }
    try (NDManager manager = NDManager.newBaseManager()) {
      Map<String, NDArray> arrays = NumpyArchive.read(file, manager);
      assertThat(arrays).containsOnlyKeys("rows", "columns");
      assertThat(arrays.values())
          .allSatisfy(
              array -> {
                assertThat(array.getShape()).isEqualTo(new Shape(2, 3));
                assertThat(array.toFloatArray()).isEqualTo(ROWS);
              });
    }
  }

  /** A text of numpy is an array of code points, with zeros after its end. */
  @Test
  void textsAreCodePoints() throws IOException {
    Path file = temp.resolve("text.npz");
    String head = "{'descr': '<U3', 'fortran_order': False, 'shape': (), }\n";
    ByteBuffer bytes = ByteBuffer.allocate(22 + head.length()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    bytes.put((byte) 1).put((byte) 0).putShort((short) head.length());
    bytes.put(head.getBytes(StandardCharsets.US_ASCII)).putInt('e').putInt(0x1F600).putInt(0);
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("lang.npy"));
      zip.write(bytes.array());
    }
    try (NDManager manager = NDManager.newBaseManager()) {
      assertThat(NumpyArchive.read(file, manager).get("lang").toIntArray())
          .containsExactly('e', 0x1F600, 0);
    }
  }

  /** What a file says it holds is compared with the limit before anything is taken for it. */
  @Test
  void moreThanTheLimitIsRefusedBeforeItIsRead() throws IOException {
    Path file = temp.resolve("bomb.npz");
    int header;
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("rows.npy"));
      String head = "{'descr': '<f4', 'fortran_order': False, 'shape': (300000000,), }\n";
      ByteBuffer start = ByteBuffer.allocate(10 + head.length()).order(ByteOrder.LITTLE_ENDIAN);
      start.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
      start.put((byte) 1).put((byte) 0).putShort((short) head.length());
      start.put(head.getBytes(StandardCharsets.US_ASCII));
      zip.write(start.array());
      zip.closeEntry();
      header = start.capacity();
    }
    byte[] bytes = Files.readAllBytes(file);
    int record = new String(bytes, StandardCharsets.US_ASCII).indexOf("PK\u0001\u0002");
    // The directory tells of 1.2 GB that are not there.
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(record + 24, header + 1_200_000_000);
    Files.write(file, bytes);
    try (NDManager manager = NDManager.newBaseManager()) {
      assertThatThrownBy(() -> NumpyArchive.read(file, manager))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("1200000000 bytes of numbers, and at most 1073741824 are read");
    }
  }

  /** Sizes that are no numbers, of texts and in a shape. */
  @Test
  void sizesThatAreNoNumbersAreRefused() throws IOException {
    for (String sizes : new String[] {"'<U6a', 'shape': ()", "'<f4', 'shape': (1 2)"}) {
      String head = "{'fortran_order': False, 'descr': " + sizes + ", }\n";
      Path file = temp.resolve("sizes.npz");
      try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
        zip.putNextEntry(new ZipEntry("x.npy"));
        zip.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
        zip.write(new byte[] {(byte) head.length(), 0});
        zip.write(head.getBytes(StandardCharsets.US_ASCII));
      }
      try (NDManager manager = NDManager.newBaseManager()) {
        assertThatThrownBy(() -> NumpyArchive.read(file, manager))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("its sizes are no numbers");
      }
    }
  }

  private static void write(ZipOutputStream zip, String name, boolean byColumns, float[] numbers)
      throws IOException {
    String order = byColumns ? "True" : "False";
    String header = "{'descr': '<f4', 'fortran_order': " + order + ", 'shape': (2, 3), }\n";
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + header.length() + numbers.length * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    bytes.put((byte) 1).put((byte) 0).putShort((short) header.length());
    bytes.put(header.getBytes(StandardCharsets.US_ASCII));
    for (float number : numbers) {
      bytes.putFloat(number);
    }
    zip.putNextEntry(new ZipEntry(name + ".npy"));
    zip.write(bytes.array());
    zip.closeEntry();
  }
}
