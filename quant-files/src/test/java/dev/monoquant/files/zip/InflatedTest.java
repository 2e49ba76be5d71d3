package dev.monoquant.files.zip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.spi.ReadLimits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Parts of deflated entries, and streams that are not what their headers say. */
class InflatedTest {

  private static final int MIB = 1 << 20;

  private static byte[] numbers(int size, int seed) {
    byte[] content = new byte[size];
    Random random = new Random(seed);
    for (int i = 0; i < size; i++) {
      content[i] = (byte) (random.nextGaussian() * 3);
    }
    return content;
  }

  private static byte[] zip(byte[]... contents) {
    ZipText text = new ZipText();
    for (int i = 0; i < contents.length; i++) {
      text.put("x/" + i, contents[i]).deflate("x/" + i);
    }
    return text.build();
  }

  /** Does something with the archive, after which no temporary file is left. */
  private static void use(byte[] zip, ReadLimits limits, Use use) throws Exception {
    Path file = Files.createTempFile("inflated", ".zip");
    List<Path> before = temporary();
    try {
      Files.write(file, zip);
      try (Archive archive = Archive.open(file, "a.zip", limits)) {
        use.with(archive);
      }
      // Those of tests beside this one have a name for a moment.
      for (int i = 0; i < 100 && !before.containsAll(temporary()); i++) {
        Thread.sleep(20);
      }
      assertThat(before).containsAll(temporary());
    } finally {
      Files.delete(file);
    }
  }

  private interface Use {
    void with(Archive archive) throws Exception;
  }

  private static List<Path> temporary() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(f -> f.getFileName().toString().startsWith("monoquant-inflated-"))
          .sorted()
          .toList();
    }
  }

  private static byte[] part(Archive archive, int entry, long offset, int length)
      throws IOException {
    ByteBuffer slice = archive.slice(archive.find("x/" + entry).orElseThrow(), offset, length);
    assertThat(slice.isReadOnly()).isTrue();
    assertThat(slice.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    byte[] bytes = new byte[slice.remaining()];
    slice.get(bytes);
    return bytes;
  }

  @Property(tries = 50)
  void everyPartIsThatOfTheContent(
      @ForAll @IntRange(max = 200_000) int size,
      @ForAll @IntRange(max = 1000) int seed,
      @ForAll @IntRange(max = 100) int from,
      @ForAll @IntRange(max = 100) int to)
      throws Exception {
    byte[] first = numbers(size / 3, seed + 1);
    byte[] content = numbers(size, seed);
    int start = (int) ((long) size * Math.min(from, to) / 100);
    int end = (int) ((long) size * Math.max(from, to) / 100);
    use(
        zip(first, content),
        ReadLimits.DEFAULT,
        archive -> {
          assertThat(part(archive, 1, start, end - start))
              .isEqualTo(Arrays.copyOfRange(content, start, end));
          assertThat(part(archive, 0, 0, first.length)).isEqualTo(first);
          assertThat(part(archive, 1, 0, size)).isEqualTo(content);
        });
  }

  @Property(tries = 1)
  void longPartsAndManyThreads() throws Exception {
    byte[][] contents =
        IntStream.range(0, 4).mapToObj(i -> numbers(3 * MIB + i, i)).toArray(byte[][]::new);
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try {
      use(
          zip(contents),
          ReadLimits.DEFAULT,
          archive -> {
            List<Callable<byte[]>> reads =
                IntStream.range(0, 16)
                    .<Callable<byte[]>>mapToObj(i -> () -> part(archive, i % 4, 1, 2 * MIB))
                    .toList();
            List<Future<byte[]>> parts = pool.invokeAll(reads);
            for (int i = 0; i < parts.size(); i++) {
              assertThat(parts.get(i).get())
                  .isEqualTo(Arrays.copyOfRange(contents[i % 4], 1, 2 * MIB + 1));
            }
          });
    } finally {
      pool.shutdownNow();
    }
  }

  private static void requireRefusal(byte[] zip, ReadLimits limits, Reason reason, String text)
      throws Exception {
    use(
        zip,
        limits,
        archive -> {
          for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> part(archive, 0, 0, 1))
                .isInstanceOfSatisfying(
                    ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(reason))
                .hasMessageContaining("x/0")
                .hasMessageContaining(text);
          }
        });
  }

  @Property(tries = 1)
  void aSmallFileDoesNotFillTheDisk() throws Exception {
    // 1000 times the bytes of the file, in one entry and in many.
    ReadLimits limits = ReadLimits.DEFAULT.withMaxInflatedBytes(MIB);
    requireRefusal(zip(new byte[8 * MIB]), limits, Reason.LIMIT, "limit maxInflatedBytes");
    byte[][] many = new byte[12][];
    Arrays.fill(many, new byte[MIB / 2]);
    use(
        zip(many),
        limits,
        archive -> {
          part(archive, 11, 0, 1);
          part(archive, 10, 0, 1);
          assertThatThrownBy(() -> part(archive, 9, 0, 1))
              .hasMessageContaining("1048576 were inflated before it");
        });
    // Numbers that shrink by the factor of real ones have no limit but the disk.
    use(
        zip(numbers(3 * MIB, 1)),
        limits,
        archive -> assertThat(part(archive, 0, 3 * MIB - 1, 1)).hasSize(1));
  }

  @Property(tries = 1)
  void theGreatestLimitIsNoneAtAll() throws Exception {
    ReadLimits limits = ReadLimits.DEFAULT.withMaxInflatedBytes(Long.MAX_VALUE);
    use(
        zip(new byte[8 * MIB]),
        limits,
        archive -> assertThat(part(archive, 0, 8 * MIB - 1, 1)).hasSize(1));
  }

  /** Replaces the stream of the only entry, and the stored size in both headers. */
  private static byte[] withStream(byte[] content, byte[] stream) {
    byte[] whole = zip(content);
    int length = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(18);
    int start = 30 + "x/0".length();
    ByteBuffer out =
        ByteBuffer.allocate(whole.length - length + stream.length).order(ByteOrder.LITTLE_ENDIAN);
    out.put(whole, 0, start).put(stream);
    int central = out.position();
    out.put(whole, start + length, whole.length - start - length);
    out.putInt(18, stream.length).putInt(central + 20, stream.length);
    out.putInt(out.capacity() - 6, central);
    return out.array();
  }

  private static byte[] stream(byte[] content) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflated = new DeflaterOutputStream(out, new Deflater(6, true))) {
      deflated.write(content);
    }
    return out.toByteArray();
  }

  @Property(tries = 1)
  void streamsThatAreNotWhatTheySay() throws Exception {
    byte[] content = numbers(50_000, 3);
    byte[] good = stream(content);
    use(
        withStream(content, good),
        ReadLimits.DEFAULT,
        archive -> assertThat(part(archive, 0, 0, content.length)).isEqualTo(content));
    byte[] cut = Arrays.copyOf(good, good.length - 100);
    byte[] followed = Arrays.copyOf(good, good.length + 1);
    byte[] longer = stream(Arrays.copyOf(content, content.length + 1));
    byte[] shorter = stream(Arrays.copyOf(content, content.length - 1));
    byte[] noise = numbers(good.length, 4);
    for (byte[] bad : List.of(cut, followed, longer, shorter, noise, new byte[0])) {
      requireRefusal(
          withStream(content, bad), ReadLimits.DEFAULT, Reason.ZIP_STRUCTURE, "compressed data");
    }
    byte[] other = content.clone();
    other[7] ^= 1;
    requireRefusal(
        withStream(content, stream(other)), ReadLimits.DEFAULT, Reason.ZIP_CRC, "its checksum is");
  }
}
