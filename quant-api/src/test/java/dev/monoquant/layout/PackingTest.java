package dev.monoquant.layout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Executes the table in the documentation of {@link Packing}. */
class PackingTest {

  private static final Path SOURCE =
      Path.of("src/main/java", Packing.class.getName().replace('.', '/') + ".java");

  private static final Pattern LINE =
      Pattern.compile(" \\* ([A-Z_]+) +([A-Z]+\\d+) +((?:-?\\d+ )+) +((?:[0-9a-f]{2} ?)+)");

  @Test
  void packsAsDocumented() throws IOException {
    Set<Packing> seen = EnumSet.noneOf(Packing.class);
    for (String text : Files.readAllLines(SOURCE)) {
      Matcher line = LINE.matcher(text);
      if (line.matches()) {
        Packing packing = Packing.valueOf(line.group(1));
        seen.add(packing);
        check(
            packing,
            ElementType.of(line.group(2)),
            List.of(line.group(3).trim().split(" ")).stream().map(Byte::valueOf).toList(),
            HexFormat.ofDelimiter(" ").parseHex(line.group(4).trim()));
      }
    }
    assertThat(seen).containsExactly(Packing.values());
  }

  private static void check(Packing packing, ElementType cell, List<Byte> line, byte[] bytes) {
    byte[] cells = new byte[line.size()];
    for (int i = 0; i < cells.length; i++) {
      cells[i] = line.get(i);
    }
    assertThat(packing.bytes(cell, cells.length)).isEqualTo(bytes.length);
    byte[] packed = cells;
    byte[] unpacked = bytes;
    if (packing.packs(cell)) {
      packed = new byte[bytes.length];
      packing.pack(cell, cells, 0, cells.length, packed, 0);
      unpacked = new byte[cells.length];
      packing.unpack(cell, ByteBuffer.wrap(bytes), 0, cells.length, unpacked, 0);
    }
    assertThat(packed).as("%s of %s", packing, cell).isEqualTo(bytes);
    assertThat(unpacked).as("%s of %s", packing, cell).isEqualTo(cells);
  }
}
