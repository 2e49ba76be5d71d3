package dev.monoquant.files.zip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.Staging;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;

class ArchiveWriterTest {

  private Path folder;

  @BeforeProperty
  void makeFolder() throws IOException {
    folder = Folders.make();
  }

  @AfterProperty
  void removeFolder() throws IOException {
    Folders.delete(folder);
  }

  /** Contents by name; some are written later, some are compressed. */
  private static final class Entries {
    private final Map<String, byte[]> contents = new LinkedHashMap<>();
    private final List<NewEntry> entries = new ArrayList<>();
    private final List<String> later = new ArrayList<>();
    private final Random random;

    Entries(long seed, int count) {
      this.random = new Random(seed);
      for (int i = 0; i < count; i++) {
        String name = "folder/" + "n".repeat(random.nextInt(90)) + "\u00fc" + i;
        byte[] content = new byte[random.nextInt(3) == 0 ? random.nextInt(3) : random.nextInt(900)];
        if (random.nextBoolean()) {
          random.nextBytes(content);
        }
        add(name, content);
      }
    }

    private void add(String name, byte[] content) {
      contents.put(name, content);
      switch (random.nextInt(3)) {
        case 0 -> entries.add(NewEntry.deflated(name, content));
        case 1 -> entries.add(NewEntry.stored(name, content));
        default -> {
          entries.add(NewEntry.later(name, content.length));
          later.add(name);
        }
      }
    }
  }

  private Path write(Entries entries, int threads) throws Exception {
    Path target = folder.resolve("out.zip");
    ArchiveLayout layout = new ArchiveLayout(entries.entries);
    try (Staging staging =
            Staging.openFile(
                new Sample(1).request(target, true, new Sample(1).source()).job(),
                layout.fileBytes(),
                Disk.REAL);
        ArchiveWriter writer = new ArchiveWriter(staging, "", layout)) {
      ExecutorService pool = Executors.newFixedThreadPool(threads);
      try {
        List<Future<?>> running = new ArrayList<>();
        for (Piece piece : pieces(entries)) {
          running.add(
              pool.submit(
                  () -> {
                    writer.write(piece.name(), piece.at(), piece.data());
                    return null;
                  }));
        }
        for (Future<?> f : running) {
          f.get();
        }
      } finally {
        pool.shutdownNow();
      }
      writer.finish();
      staging.commit();
    }
    assertThat(target).hasSize(layout.fileBytes());
    return target;
  }

  private record Piece(String name, long at, ByteBuffer data) {}

  private static List<Piece> pieces(Entries entries) {
    List<Piece> pieces = new ArrayList<>();
    for (String name : entries.later) {
      byte[] content = entries.contents.get(name);
      for (int at = 0; at < content.length; ) {
        int length = Math.min(content.length - at, 1 + entries.random.nextInt(200));
        pieces.add(new Piece(name, at, ByteBuffer.wrap(content, at, length)));
        at += length;
      }
    }
    Collections.shuffle(pieces, entries.random);
    return pieces;
  }

  /** Our own reader refuses holes, overlaps and headers that disagree; the JDK's is another one. */
  @Property(tries = 150)
  void everyReaderFindsWhatWasWritten(@ForAll long seed, @ForAll @IntRange(max = 12) int count)
      throws Exception {
    Entries entries = new Entries(seed, count);
    Path file = write(entries, 3);
    try (Archive archive = Archive.open(file, "out.zip", ReadLimits.DEFAULT)) {
      assertThat(archive.entries().stream().map(ArchiveEntry::name))
          .containsExactlyElementsOf(entries.contents.keySet());
      for (ArchiveEntry entry : archive.entries()) {
        ByteBuffer content = archive.content(entry, 1 << 20, "");
        assertThat(content).isEqualTo(ByteBuffer.wrap(entries.contents.get(entry.name())));
        assertThat(entry.deflated() ? 0 : entry.start() % ArchiveLayout.ALIGNMENT).isZero();
      }
    }
    if (count > 0) {
      try (ZipFile zip = new ZipFile(file.toFile())) {
        for (ZipEntry entry : Collections.list(zip.entries())) {
          assertThat(entry.getTimeLocal()).hasToString("1980-01-01T00:00");
          try (InputStream in = zip.getInputStream(entry)) {
            assertThat(in.readAllBytes()).isEqualTo(entries.contents.get(entry.getName()));
          }
        }
        assertThat(zip.size()).isEqualTo(count);
      }
    }
    byte[] first = Files.readAllBytes(file);
    assertThat(Files.readAllBytes(write(new Entries(seed, count), 1))).isEqualTo(first);
  }

  private static void require(Path file, ArchiveLayout layout, int count) throws IOException {
    try (Archive archive = Archive.open(file, "wide.zip", ReadLimits.DEFAULT)) {
      assertThat(archive.entries()).hasSize(count);
      for (ArchiveEntry entry : archive.entries()) {
        ArchiveLayout.Placed placed = layout.entry(entry.name());
        assertThat(entry.start()).isEqualTo(placed.start());
        assertThat(entry.size()).isEqualTo(placed.entry().size());
      }
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertThat(zip.size()).isEqualTo(count);
      for (ZipEntry entry : Collections.list(zip.entries())) {
        assertThat(entry.getSize()).isEqualTo(layout.entry(entry.getName()).entry().size());
      }
    }
  }

  /** Headers alone, the contents a hole in the file. */
  private Path sparse(ArchiveLayout layout) throws IOException {
    Path file = folder.resolve("wide.zip");
    Map<String, Long> crcs = new HashMap<>();
    layout.entries().forEach(p -> crcs.put(p.entry().name(), 1L));
    try (FileChannel out =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      for (ArchiveLayout.Placed placed : layout.entries()) {
        out.write(ByteBuffer.wrap(layout.localHeader(placed, 1)), placed.header());
      }
      out.write(ByteBuffer.wrap(layout.end(crcs)), layout.directory());
      assertThat(out.size()).isEqualTo(layout.fileBytes());
    }
    return file;
  }

  @Property(tries = 60)
  void sizesAndPlacesBeyond32Bits(
      @ForAll @IntRange(min = -70, max = 70) int around,
      @ForAll @IntRange(max = 200) int gap,
      @ForAll boolean two)
      throws IOException {
    long limit = 0xffffffffL;
    List<NewEntry> entries = new ArrayList<>();
    entries.add(NewEntry.later("a/first", gap));
    entries.add(NewEntry.later("a/second", two ? limit / 2 : limit + around));
    entries.add(NewEntry.later("a/third", two ? limit / 2 + around : 5));
    entries.add(NewEntry.later("a/last", 7));
    ArchiveLayout layout = new ArchiveLayout(entries);
    require(sparse(layout), layout, 4);
  }

  @Example
  void moreEntriesThan16BitsCount() throws IOException {
    for (int count : new int[] {65534, 65535, 65536}) {
      List<NewEntry> entries = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        entries.add(NewEntry.later("a/" + i, 0));
      }
      ArchiveLayout layout = new ArchiveLayout(entries);
      require(sparse(layout), layout, count);
    }
  }

  @Example
  void namesThatReadersTakeForOneAreRefused() {
    assertThatThrownBy(
            () -> new ArchiveLayout(List.of(NewEntry.later("a/B", 1), NewEntry.later("a/b", 1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("two entries");
  }

  @Example
  void everyByteMustBeWrittenOnce() throws IOException {
    ArchiveLayout layout = new ArchiveLayout(List.of(NewEntry.later("a/b", 10)));
    Path target = folder.resolve("once.zip");
    try (Staging staging =
            Staging.openFile(new Sample(1).request(target).job(), layout.fileBytes(), Disk.REAL);
        ArchiveWriter writer = new ArchiveWriter(staging, "", layout)) {
      writer.write("a/b", 0, ByteBuffer.allocate(9));
      assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> writer.write("a/b", 5, ByteBuffer.allocate(6)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> writer.write("a/c", 0, ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(target).doesNotExist();
  }

  @Example
  void theHeadersAreWhatAuditsHash() throws Exception {
    Entries entries = new Entries(5, 4);
    Path target = folder.resolve("frame.zip");
    ArchiveLayout layout = new ArchiveLayout(entries.entries);
    byte[] frame;
    try (Staging staging =
            Staging.openFile(new Sample(1).request(target).job(), layout.fileBytes(), Disk.REAL);
        ArchiveWriter writer = new ArchiveWriter(staging, "", layout)) {
      for (Piece piece : pieces(entries)) {
        writer.write(piece.name(), piece.at(), piece.data());
      }
      frame = writer.frame(Map.of());
      CRC32 crc = new CRC32();
      crc.update(entries.contents.get(entries.entries.get(0).name()));
      assertThat(writer.frame(Map.of(entries.entries.get(0).name(), crc.getValue())))
          .isEqualTo(frame);
      assertThat(writer.frame(Map.of(entries.entries.get(0).name(), 1L))).isNotEqualTo(frame);
      writer.finish();
      staging.commit();
    }
    try (Archive archive = Archive.open(target, "frame.zip", ReadLimits.DEFAULT)) {
      assertThat(archive.frame(List.of())).isEqualTo(frame);
    }
  }
}
