package dev.monoquant.core.trial;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
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
