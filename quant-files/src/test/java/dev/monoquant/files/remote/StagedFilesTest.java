package dev.monoquant.files.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.OutputException;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RemoteAccess;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Remote files are read like others, and what is kept of them has a bound and no holes. */
class StagedFilesTest {

  private static final int UNIT = 16;
  private static final int LARGEST = 64 * UNIT;
  private static final Retries AT_ONCE = new Retries(3, Duration.ofMillis(1));

  @TempDir private Path dir;
  private final ScriptedStore store = new ScriptedStore();
  private final byte[] data = new byte[10_000];

  @BeforeEach
  void fill() {
    new Random(3).nextBytes(data);
    store.files.put("model.safetensors", data);
    store.files.put("config.json", "{}".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    store.files.put("sub/deep/x y.txt", new byte[] {1, 2, 3});
  }

  private StagedFiles open(long limit) {
    return StagedFiles.open(
        List.of(store),
        RemoteAccess.DEFAULT,
        dir.resolve("staging"),
        limit,
        new BlockLayout(UNIT),
        AT_ONCE);
  }

  private StagedFiles open() {
    return open(1 << 20);
  }

  private List<Path> staged() throws IOException {
    try (Stream<Path> files = Files.walk(dir.resolve("staging"))) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static byte[] read(Path file, long offset, int length) throws IOException {
    try (MappedFile open = MappedFile.open(file)) {
      byte[] bytes = new byte[length];
      open.slice(offset, length).get(bytes);
      return bytes;
    }
  }

  @Test
  void pathsAreThoseOfFilesAndFoldersAndShowNoSecret() throws IOException {
    try (StagedFiles staged = open()) {
      Path root = staged.path("mem://me:secret@host/a/llm?sig=secret");
      assertThat(root).hasToString("mem://host/a/llm");
      assertThat(Files.isDirectory(root)).isTrue();
      assertThat(staged.path("mem://host/a/llm/")).isEqualTo(root);
      Path file = staged.path("mem://host/a/llm/model.safetensors");
      assertThat(file).isEqualTo(root.resolve("model.safetensors")).isRegularFile();
      assertThat(file).hasToString("mem://host/a/llm/model.safetensors");
      assertThat(file.getParent()).isEqualTo(root);
      assertThat(root.relativize(file)).hasToString("model.safetensors");
      assertThat(file.toRealPath()).isEqualTo(file);
      assertThat(root.resolve("a/../config.json").normalize())
          .isEqualTo(root.resolve("config.json"));
      assertThat(staged.path("local/file")).isEqualTo(Path.of("local/file"));
      assertThat(staged.path("mem://host/x.safetensors").getParent()).hasToString("mem://host");
      assertThatThrownBy(() -> staged.path("s4://host/secret"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("\"s4\"")
          .hasMessageContaining("mem")
          .hasMessageNotContaining("secret");
      assertThatThrownBy(() -> staged.path("mem://host/a secret"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageNotContaining("secret ");
    }
  }

  @Test
  void foldersAreListedAndFilesHaveAttributes() throws IOException {
    try (StagedFiles staged = open()) {
      Path root = staged.path("mem://host/llm");
      try (Stream<Path> all = Files.walk(root)) {
        assertThat(all.map(p -> root.relativize(p).toString()))
            .containsExactlyInAnyOrder(
                "", "config.json", "model.safetensors", "sub", "sub/deep", "sub/deep/x y.txt");
      }
      Path deep = root.resolve("sub/deep/x y.txt");
      assertThat(deep)
          .hasToString("mem://host/llm/sub/deep/x%20y.txt")
          .hasBinaryContent(new byte[] {1, 2, 3});
      assertThat(Files.size(deep)).isEqualTo(3);
      assertThat(Files.exists(root.resolve("none"))).isFalse();
      assertThat(Files.isReadable(deep)).isTrue();
      assertThat(Files.isWritable(deep)).isFalse();
      assertThat(Files.isSymbolicLink(deep)).isFalse();
      Path copy = Files.copy(deep, dir.resolve("copy"));
      assertThat(copy).hasBinaryContent(new byte[] {1, 2, 3});
      assertThatThrownBy(() -> Files.delete(deep)).isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.writeString(deep, "x"))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.newByteChannel(root.resolve("none")))
          .isInstanceOf(NoSuchFileException.class);
      assertThat(AccessMode.values()).hasSize(3);
    }
  }

  @Test
  void anyRangeHasTheBytesOfTheFile() throws IOException {
    Random random = new Random(5);
    try (StagedFiles staged = open(LARGEST + 8)) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      for (int i = 0; i < 300; i++) {
        int from = random.nextInt(data.length);
        int length = random.nextInt(Math.min(3000, data.length - from) + 1);
        assertThat(read(file, from, length))
            .isEqualTo(Arrays.copyOfRange(data, from, from + length));
        assertThat(staged.stagedBytes()).isLessThanOrEqualTo(LARGEST + 8);
      }
      assertThatThrownBy(() -> read(file, data.length - 1, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        ByteBuffer all = ByteBuffer.allocate(data.length + 10);
        while (channel.read(all) >= 0) {
          assertThat(all.position()).isEqualTo((int) channel.position());
        }
        assertThat(Arrays.copyOf(all.array(), all.position())).isEqualTo(data);
      }
    }
  }

  @Test
  void aHeaderCostsAFewBytesAndAReadFetchesNoMoreThanItsBlocks() throws IOException {
    try (StagedFiles staged = open()) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      assertThat(read(file, 0, 20)).isEqualTo(Arrays.copyOf(data, 20));
      assertThat(staged.requestedBytes()).isEqualTo(2 * UNIT);
      assertThat(read(file, 3000, 20)).isEqualTo(Arrays.copyOfRange(data, 3000, 3020));
      assertThat(staged.requestedBytes()).isEqualTo(2 * UNIT + LARGEST);
      assertThat(store.reads)
          .containsExactly(
              "model.safetensors 0 16", "model.safetensors 16 16", "model.safetensors 2048 1024");
    }
  }

  @Test
  void whatAnEarlierProcessFetchedIsNotFetchedAgain() throws IOException {
    try (StagedFiles staged = open()) {
      read(staged.path("mem://host/llm/model.safetensors"), 0, data.length);
      assertThat(staged.requestedBytes()).isEqualTo(data.length);
    }
    try (StagedFiles staged = open()) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      assertThat(read(file, 0, data.length)).isEqualTo(data);
      assertThat(staged.requestedBytes()).isZero();
      staged.discard();
      assertThat(staged()).isEmpty();
      assertThat(read(file, 0, 16)).isEqualTo(Arrays.copyOf(data, 16));
    }
  }

  @Test
  void aDamagedOrShortBlockIsFetchedAgain() throws IOException {
    try (StagedFiles staged = open()) {
      read(staged.path("mem://host/llm/model.safetensors"), 0, data.length);
    }
    List<Path> blocks = staged();
    byte[] damaged = Files.readAllBytes(blocks.get(0));
    damaged[3] ^= 1;
    Files.write(blocks.get(0), damaged);
    Files.write(blocks.get(1), new byte[] {1});
    try (StagedFiles staged = open()) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      assertThat(read(file, 0, data.length)).isEqualTo(data);
      assertThat(staged.requestedBytes()).isPositive().isLessThan(3 * LARGEST);
    }
  }

  @Test
  void aFileWithAnotherIdentityIsFetchedAnewAndOneWithoutIsNeverKept() throws IOException {
    try (StagedFiles staged = open()) {
      read(staged.path("mem://host/llm/model.safetensors"), 0, 16);
    }
    for (int run = 0; run < 3; run++) {
      store.tag = run == 0 ? java.util.Optional.of("other") : java.util.Optional.empty();
      data[0]++;
      try (StagedFiles staged = open()) {
        Path file = staged.path("mem://host/llm/model.safetensors");
        assertThat(read(file, 0, 16)).isEqualTo(Arrays.copyOf(data, 16));
      }
    }
  }

  @Test
  void blocksThatSomeoneDeletesAreFetchedAgain() throws IOException {
    try (StagedFiles staged = open()) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      read(file, 0, data.length);
      for (Path block : staged()) {
        Files.delete(block);
      }
      assertThat(read(file, 0, data.length)).isEqualTo(data);
      assertThat(staged.requestedBytes()).isEqualTo(2L * data.length);
    }
  }

  @Test
  void partsOfKilledProcessesAreRemovedAndThoseOfOthersAreNot() throws IOException {
    try (StagedFiles staged = open()) {
      read(staged.path("mem://host/llm/model.safetensors"), 0, 16);
    }
    Path folder = staged().get(0).getParent();
    String name = "-00000000-0000-0000-0000-000000000000.part";
    Path killed = Files.writeString(folder.resolve("999999999" + name), "x");
    Path own = Files.writeString(folder.resolve(ProcessHandle.current().pid() + name), "x");
    Path foreign = Files.writeString(dir.resolve("staging/notes.txt"), "mine");
    open().close();
    assertThat(killed).doesNotExist();
    assertThat(own).exists();
    assertThat(foreign).exists();
  }

  @Test
  void aBrokenAnswerIsContinuedWhereItStopped() throws IOException {
    AtomicInteger calls = new AtomicInteger();
    store.script =
        (offset, length) -> {
          int call = calls.getAndIncrement();
          if (call % 3 == 1) {
            throw new IOException("reset");
          }
          return call % 3 == 0 ? Math.min(length, 100) : length;
        };
    try (StagedFiles staged = open()) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      assertThat(read(file, 2048, 1024)).isEqualTo(Arrays.copyOfRange(data, 2048, 3072));
      assertThat(store.reads)
          .containsExactly(
              "model.safetensors 2048 1024",
              "model.safetensors 2148 924",
              "model.safetensors 2148 924");
    }
  }

  @Test
  void failuresWithoutProgressHaveALimitAndLeaveNothing() throws IOException {
    store.script =
        (offset, length) -> {
          throw new IOException("no route");
        };
    try (StagedFiles staged = open()) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      assertThatThrownBy(() -> read(file, 0, 16))
          .isInstanceOf(ModelFormatException.class)
          .hasMessage(
              "mem://host/llm/model.safetensors: it could not be fetched in 3 attempts, the last:"
                  + " no route. Check address and network, and run again; what was fetched is"
                  + " kept.");
      assertThat(store.reads).hasSize(3);
      assertThat(staged()).isEmpty();
      assertThat(staged.stagedBytes()).isZero();
      store.script = (offset, length) -> length;
      assertThat(read(file, 0, 16)).isEqualTo(Arrays.copyOf(data, 16));
    }
  }

  @Test
  void manyThreadsShareASmallFolder() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try (StagedFiles staged = open(2L * (LARGEST + 8))) {
      Path file = staged.path("mem://host/llm/model.safetensors");
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        int seed = t;
        all.add(
            threads.submit(
                () -> {
                  Random random = new Random(seed);
                  for (int i = 0; i < 100; i++) {
                    int from = random.nextInt(data.length - 500);
                    assertThat(read(file, from, 500))
                        .isEqualTo(Arrays.copyOfRange(data, from, from + 500));
                  }
                  return null;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
      assertThat(staged.stagedBytes()).isLessThanOrEqualTo(2L * (LARGEST + 8));
      long onDisk = 0;
      for (Path block : staged()) {
        onDisk += Files.size(block);
      }
      assertThat(onDisk).isEqualTo(staged.stagedBytes());
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws IOException {
    Path file = Files.writeString(dir.resolve("file"), "x");
    assertThatThrownBy(
            () -> StagedFiles.open(List.of(store), RemoteAccess.DEFAULT, file, 20L << 30))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("staging folder " + file)
        .hasMessageContaining("--staging");
    assertThatThrownBy(() -> open(LARGEST + 7))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--staging-limit of 1031 bytes: at least 1032");
    try (StagedFiles staged = open()) {
      Path model = staged.path("mem://host/llm/model.safetensors");
      read(model, 0, 16);
      Path key = staged().get(0).getParent();
      Files.delete(staged().get(0));
      Files.delete(key);
      Files.writeString(key, "in the way");
      assertThatThrownBy(() -> read(model, 16, 16))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("could not be used");
    }
  }

  @Test
  void filesThatAreTooLargeOrHaveStrangeNamesAreRefused() throws IOException {
    store.files.put("../evil", new byte[1]);
    try (StagedFiles staged = open()) {
      Path root = staged.path("mem://host/llm");
      assertThatThrownBy(() -> Files.list(root))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("\"../evil\"");
    }
    store.files.remove("../evil");
    store.files.put("notes.bin", new byte[(256 << 20) + 1]);
    try (StagedFiles staged = open()) {
      Path notes = staged.path("mem://host/llm").resolve("notes.bin");
      assertThatThrownBy(() -> Files.size(notes))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("268435457 bytes");
    }
  }

  @Test
  void anIndexThatIsTooLargeIsRefusedBeforeItIsRead() throws IOException {
    store.lists = false;
    int most = Math.toIntExact(ReadLimits.DEFAULT.maxIndexBytes());
    store.files.put("model.safetensors.index.json", new byte[most + 1]);
    try (StagedFiles staged = open()) {
      Path root = staged.path("mem://host/llm");
      assertThatThrownBy(() -> Files.list(root))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining(
              "index.json: the file has " + (most + 1) + " bytes, at most " + most);
      assertThat(staged.requestedBytes()).isZero();
    }
  }

  @Test
  void aFolderThatCannotBeListedHasTheNamesOfPublishedModels() throws IOException {
    store.lists = false;
    store.files.put(
        "model.safetensors.index.json",
        "{\"weight_map\":{\"a\":\"model-1-of-1.safetensors\",\"b\":\"../out\"}}"
            .getBytes(java.nio.charset.StandardCharsets.UTF_8));
    store.files.put("model-1-of-1.safetensors", data);
    store.files.put("unknown.txt", new byte[1]);
    store.files.put("modeling_x.py", new byte[1]);
    store.files.put(
        "config.json",
        "{\"auto_map\":{\"AutoModel\":\"modeling_x.XModel\"}}"
            .getBytes(java.nio.charset.StandardCharsets.UTF_8));
    try (StagedFiles staged = open();
        Stream<Path> all = Files.list(staged.path("mem://host/llm"))) {
      assertThat(all.map(p -> p.getFileName().toString()))
          .containsExactly(
              "config.json",
              "model-1-of-1.safetensors",
              "model.safetensors",
              "model.safetensors.index.json",
              "modeling_x.py");
    }
    assertThat(store.finds).doesNotContain("../out");
  }

  @Test
  void aServerThatCannotBeReachedIsNotAskedForEachName() throws IOException {
    store.lists = false;
    store.outage = Optional.of(new IOException("no route"));
    try (StagedFiles staged = open()) {
      Path root = staged.path("mem://host/llm/");
      assertThatThrownBy(() -> Files.list(root))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("could not be fetched in 3 attempts, the last: no route");
      assertThat(store.finds).hasSize(3);
    }
  }

  @Test
  void aHostThatIsNotKnownIsAskedForOnceButAgainIfItHasAnswered() throws IOException {
    store.lists = false;
    store.outage = Optional.of(new UnknownHostException("no host"));
    try (StagedFiles staged = open()) {
      Path root = staged.path("mem://host/llm/");
      assertThatThrownBy(() -> Files.list(root))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("could not be fetched: no host");
      assertThat(store.finds).hasSize(1);
      store.finds.clear();
      store.answers = 1;
      assertThatThrownBy(() -> Files.list(root)).hasMessageContaining("in 3 attempts");
      assertThat(store.finds).hasSize(1 + 3);
    }
  }
}
