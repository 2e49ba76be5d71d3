package dev.monoquant.io.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.spi.Secret;
import dev.monoquant.testkit.fakes.FileServer;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of a web server: what it may answer, and what must be noticed. */
class HttpStoreTest {

  private static final String TOKEN = "t0psecret";

  @TempDir private Path dir;
  private final byte[] data = new byte[10_000];
  private Optional<FileServer> started = Optional.empty();

  @BeforeEach
  void start() throws IOException {
    new Random(7).nextBytes(data);
    Files.write(dir.resolve("a b.bin"), data);
    Files.write(dir.resolve("empty"), new byte[0]);
    started = Optional.of(FileServer.of(dir));
  }

  @AfterEach
  void stop() {
    server().close();
  }

  private FileServer server() {
    return started.orElseThrow();
  }

  private RemoteFiles open() {
    return open(RemoteAccess.DEFAULT);
  }

  private RemoteFiles open(RemoteAccess access) {
    return new HttpStore().open(RemoteLocation.parse(server().address()), access);
  }

  private static byte[] read(RemoteFiles files, RemoteFile file, int offset, int length)
      throws IOException {
    try (ReadableByteChannel in = files.read(file, offset, length)) {
      ByteBuffer into = ByteBuffer.allocate(length + 1);
      while (in.read(into) >= 0) {
        assertThat(into.position()).isLessThanOrEqualTo(length);
      }
      return Arrays.copyOf(into.array(), into.position());
    }
  }

  private static RemoteFile found(RemoteFiles files) throws IOException {
    return files.find("a b.bin").orElseThrow();
  }

  @Test
  void isFoundByItsIdAndSchemes() {
    RemoteStore store = Plugins.load().remoteStores().get(0);
    assertThat(store.id()).isEqualTo("http");
    assertThat(store.schemes()).containsExactlyInAnyOrder("http", "https");
  }

  @Test
  void aFileIsFoundWithSizeTimeAndTagAndReadInRanges() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    assertThat(file.size()).isEqualTo(10_000);
    assertThat(file.identity()).isPresent();
    assertThat(file.modified()).isPresent();
    assertThat(read(files, file, 100, 50)).isEqualTo(Arrays.copyOfRange(data, 100, 150));
    assertThat(read(files, file, 0, 10_000)).isEqualTo(data);
    assertThat(read(files, file, 9_999, 1)).isEqualTo(Arrays.copyOfRange(data, 9_999, 10_000));
    assertThat(server().served()).isEqualTo(50 + 10_000 + 1);
    assertThat(files.list()).isEmpty();
  }

  @Test
  void whatIsNotThereAndFoldersAreNotFound() throws IOException {
    Files.createDirectory(dir.resolve("sub"));
    server()
        .fault(
            (request, answer) -> {
              if (request.path().equals("sub")) {
                answer.status = 301;
                answer.headers.put("Location", "/sub/");
              }
            });
    assertThat(open().find("none")).isEmpty();
    assertThat(open().find("sub")).isEmpty();
    assertThat(open().find("empty").orElseThrow().size()).isZero();
  }

  @Test
  void aServerThatRefusesHeadIsAskedForOneByte() throws IOException {
    server()
        .fault(
            (request, answer) -> {
              if (request.method().equals("HEAD")) {
                answer.status = 403;
              }
            });
    assertThat(found(open()).size()).isEqualTo(10_000);
    assertThat(open().find("empty").orElseThrow().size()).isZero();
    assertThat(server().served()).isEqualTo(1);
  }

  @Test
  void failuresOfTheServerMayPass() {
    for (int status : new int[] {500, 502, 503, 429, 408}) {
      server().fault((request, answer) -> answer.status = status);
      assertThatThrownBy(() -> found(open()))
          .isInstanceOf(IOException.class)
          .hasMessage("the server answers with status " + status);
    }
    server().fault((request, answer) -> answer.reset = true);
    assertThatThrownBy(() -> found(open()))
        .isInstanceOf(IOException.class)
        .hasMessageNotContaining("a%20b.bin");
  }

  @Test
  void deniedAccessNamesTheVariable() {
    for (int status : new int[] {401, 403}) {
      server().fault((request, answer) -> answer.status = status);
      assertThatThrownBy(() -> found(open()))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("status " + status)
          .hasMessageContaining("QUANT_HTTP_HEADER");
    }
  }

  @Test
  void aTruncatedAnswerIsAFailure() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    server().fault((request, answer) -> answer.sent = 1_000);
    assertThatThrownBy(() -> read(files, file, 0, 5_000))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("broke off");
  }

  @Test
  void aChangedFileIsRefusedByTagTimeAndSize() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    server().fault((request, answer) -> answer.headers.put("ETag", "\"other\""));
    assertThatThrownBy(() -> read(files, file, 0, 10))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("changed")
        .hasMessageContaining("\"other\"");
    server().fault((request, answer) -> answer.headers.remove("ETag"));
    assertThatThrownBy(() -> read(files, file, 0, 10)).hasMessageContaining("is none");
    RemoteFile untagged = found(files);
    server()
        .fault(
            (request, answer) -> {
              answer.headers.remove("ETag");
              answer.headers.put("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
            });
    assertThatThrownBy(() -> read(files, untagged, 0, 10)).hasMessageContaining("its time was");
    server().fault((request, answer) -> {});
    byte[] longer = Arrays.copyOf(data, 10_001);
    Files.write(dir.resolve("a b.bin"), longer);
    RemoteFile anonymous = new RemoteFile("a b.bin", 10_000, Optional.empty(), Optional.empty());
    assertThatThrownBy(() -> read(files, anonymous, 0, 10)).hasMessageContaining("10001 bytes now");
    Files.write(dir.resolve("a b.bin"), new byte[5]);
    assertThatThrownBy(() -> read(files, anonymous, 10, 10)).hasMessageContaining("no bytes 10 to");
    Files.delete(dir.resolve("a b.bin"));
    assertThatThrownBy(() -> read(files, anonymous, 10, 10)).hasMessageContaining("is gone");
  }

  private Optional<String> condition() {
    int last = server().requests().size() - 1;
    return Optional.ofNullable(server().requests().get(last).headers().get("if-range"));
  }

  @Test
  void aStrongTagIsSentWithEachRangeAndNoOther() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    assertThat(condition()).as("of the first request").isEmpty();
    assertThat(read(files, file, 3, 4)).isEqualTo(Arrays.copyOfRange(data, 3, 7));
    assertThat(condition()).isEqualTo(file.identity());
    for (String tag : new String[] {"W/\"weak\"", "bare"}) {
      server().fault((request, answer) -> answer.headers.put("ETag", tag));
      RemoteFile weak = found(files);
      assertThat(read(files, weak, 3, 4)).isEqualTo(Arrays.copyOfRange(data, 3, 7));
      assertThat(condition()).as(tag).isEmpty();
    }
    server().fault((request, answer) -> answer.headers.remove("ETag"));
    assertThat(read(files, found(files), 3, 4)).hasSize(4);
    assertThat(condition()).isEmpty();
  }

  /** The server then sends all of the new file in the place of a part. */
  @Test
  void aFileThatIsReplacedByOneOfTheSameSizeAndTimeIsRefused() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    FileTime time = Files.getLastModifiedTime(dir.resolve("a b.bin"));
    data[9_000] ^= 1;
    Files.write(dir.resolve("a b.bin"), data);
    Files.setLastModifiedTime(dir.resolve("a b.bin"), time);
    List<Integer> answers = new ArrayList<>();
    server().fault((request, answer) -> answers.add(answer.status));
    assertThatThrownBy(() -> read(files, file, 0, 10))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("changed while it was read: its entity tag was");
    server()
        .fault(
            (request, answer) -> {
              answers.add(answer.status);
              answer.headers.remove("ETag");
            });
    assertThatThrownBy(() -> read(files, file, 0, 10)).hasMessageContaining("is none");
    assertThat(answers).containsExactly(200, 200);
  }

  @Test
  void answersOfAnotherRangeOrLengthAreRefused() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    server().fault((r, answer) -> answer.headers.put("Content-Range", "bytes 1-10/10000"));
    assertThatThrownBy(() -> read(files, file, 0, 10))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("bytes 1-10");
    server().fault((r, answer) -> answer.headers.remove("Content-Range"));
    assertThatThrownBy(() -> read(files, file, 0, 10)).isInstanceOf(ModelFormatException.class);
    server().fault((r, answer) -> answer.headers.put("Content-Range", "bytes 0-8/10000"));
    assertThatThrownBy(() -> read(files, file, 0, 10))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has 10 bytes and is said to hold 9");
  }

  @Test
  void aServerMaySendLessThanAskedForIfItSaysSo() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    server()
        .fault(
            (r, answer) -> {
              answer.headers.put("Content-Range", "bytes 0-4/10000");
              answer.body = Arrays.copyOf(answer.body, 5);
            });
    assertThat(read(files, file, 0, 10)).isEqualTo(Arrays.copyOf(data, 5));
  }

  @Test
  void aServerWithoutRangesSendsSmallFilesAsAWholeAndLargeOnesAreRefused() throws IOException {
    RemoteFiles files = open();
    server()
        .fault(
            (request, answer) -> {
              answer.status = 200;
              answer.headers.remove("Content-Range");
              answer.body = data;
            });
    RemoteFile file = found(files);
    assertThat(read(files, file, 0, 10_000)).isEqualTo(data);
    assertThat(read(files, file, 500, 10)).isEqualTo(Arrays.copyOfRange(data, 500, 510));
    RemoteFile large = new RemoteFile("a b.bin", 1L << 40, Optional.empty(), Optional.empty());
    server()
        .fault(
            (request, answer) -> {
              answer.status = 200;
              answer.headers.remove("Content-Range");
              answer.headers.put("Content-Length", "" + (1L << 40));
            });
    assertThatThrownBy(() -> read(files, large, 500, 10))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("serves no ranges");
  }

  @Test
  void anEncodedAnswerIsRefused() throws IOException {
    RemoteFiles files = open();
    RemoteFile file = found(files);
    assertThat(server().requests().get(0).headers()).containsEntry("accept-encoding", "identity");
    server().fault((request, answer) -> answer.headers.put("Content-Encoding", "gzip"));
    assertThatThrownBy(() -> read(files, file, 0, 10))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("\"gzip\"");
    assertThatThrownBy(() -> found(open())).hasMessageContaining("\"gzip\"");
  }

  @Test
  void aFileOfUnknownLengthIsRefused() {
    server().fault((request, answer) -> answer.headers.put("Content-Length", "unknown"));
    assertThatThrownBy(() -> found(open())).isInstanceOf(Exception.class);
  }

  @Test
  void aSlowServerIsAFailureIfNoByteComes() throws IOException {
    RemoteFiles files = open(new RemoteAccess(Optional.empty(), Duration.ofMillis(300)));
    RemoteFile file = found(files);
    server().fault((request, answer) -> answer.slowness = 5_000);
    assertThatThrownBy(() -> read(files, file, 0, 10))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no byte came");
  }

  @Test
  void redirectsAreFollowedAndTheHeaderStaysWithItsHost() throws IOException {
    try (FileServer other = FileServer.of(dir)) {
      server()
          .fault(
              (request, answer) -> {
                if (!request.query().equals("own")) {
                  answer.status = 302;
                  answer.headers.put("Location", "?own");
                } else {
                  answer.status = 307;
                  answer.headers.put("Location", other.address() + "a%20b.bin?signature=x");
                }
              });
      RemoteFiles files =
          open(RemoteAccess.DEFAULT.withHeader(new Secret("Authorization: Bearer " + TOKEN)));
      RemoteFile file = found(files);
      assertThat(read(files, file, 3, 4)).isEqualTo(Arrays.copyOfRange(data, 3, 7));
      assertThat(server().requests())
          .hasSize(4)
          .allSatisfy(
              r -> assertThat(r.headers()).containsEntry("authorization", "Bearer " + TOKEN));
      assertThat(other.requests())
          .hasSize(2)
          .allSatisfy(r -> assertThat(r.headers()).doesNotContainKey("authorization"))
          .allSatisfy(r -> assertThat(r.query()).isEqualTo("signature=x"));
    }
  }

  @Test
  void endlessAndStrangeRedirectsAreRefused() {
    server()
        .fault(
            (request, answer) -> {
              answer.status = 302;
              answer.headers.put("Location", "?again");
            });
    assertThatThrownBy(() -> found(open())).hasMessageContaining("more than 10 redirects");
    for (String strange : new String[] {"file:///etc/passwd", "http://[", "ftp://127.0.0.1/x"}) {
      server()
          .fault(
              (request, answer) -> {
                answer.status = 302;
                answer.headers.put("Location", strange);
              });
      assertThatThrownBy(() -> found(open()))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("redirects to");
    }
  }

  @Test
  void userInfoAndQueryAreSentAndNotShown() throws IOException {
    String address =
        server().address().replace("http://", "http://me:pass%20word@") + "?signature=" + TOKEN;
    RemoteLocation location = RemoteLocation.parse(address);
    assertThat(location.toString()).doesNotContain(TOKEN, "pass");
    RemoteFiles files = new HttpStore().open(location, RemoteAccess.DEFAULT);
    found(files);
    FileServer.Request request = server().requests().get(0);
    assertThat(request.query()).isEqualTo("signature=" + TOKEN);
    assertThat(request.headers()).containsEntry("authorization", "Basic bWU6cGFzcyB3b3Jk");
    server().fault((r, answer) -> answer.status = 403);
    assertThatThrownBy(() -> found(files))
        .satisfies(e -> assertThat(traced(e)).doesNotContain(TOKEN, "pass"));
    server().close();
    assertThatThrownBy(() -> found(files))
        .isInstanceOf(IOException.class)
        .satisfies(e -> assertThat(traced(e)).doesNotContain(TOKEN, "pass"));
  }

  @Test
  void aHeaderThatCannotBeSentIsNotShown() {
    RemoteFiles files = open(RemoteAccess.DEFAULT.withHeader(new Secret("Host: " + TOKEN)));
    assertThatThrownBy(() -> found(files))
        .hasMessageContaining("not shown")
        .satisfies(e -> assertThat(traced(e)).doesNotContain(TOKEN));
    for (String text : new String[] {TOKEN, "X: ", ": " + TOKEN, "A: " + TOKEN + "\r\nB: c"}) {
      assertThatThrownBy(() -> RemoteAccess.DEFAULT.withHeader(new Secret(text)))
          .satisfies(e -> assertThat(traced(e)).doesNotContain(TOKEN));
    }
    assertThat(RemoteAccess.DEFAULT.withHeader(new Secret("A: " + TOKEN)).toString())
        .doesNotContain(TOKEN);
  }

  private static String traced(Throwable e) {
    java.io.StringWriter text = new java.io.StringWriter();
    e.printStackTrace(new java.io.PrintWriter(text));
    return text.toString();
  }

  @Test
  void aHostThatIsNotKnownIsTold() throws IOException {
    RemoteLocation nowhere = RemoteLocation.parse("http://quant-test.invalid/llm/");
    try (RemoteFiles files = new HttpStore().open(nowhere, RemoteAccess.DEFAULT)) {
      assertThatThrownBy(() -> files.find("config.json"))
          .isInstanceOf(UnknownHostException.class)
          .hasMessage("no host of that name is known");
    }
  }
}
