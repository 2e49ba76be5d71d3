package dev.monoquant.testkit.fakes;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.zip.CRC32C;

/**
 * A web server on the loopback interface with the files of a folder: with ranges, entity tags and
 * times, and with any fault that a test gives it. Reads a file anew for each request. For tests;
 * not for use by others. Thread-safe.
 */
public final class FileServer implements Closeable {

  /**
   * A request.
   *
   * @param method GET or HEAD
   * @param path the path, decoded, without the slash at its start
   * @param query the query; empty if there is none
   * @param headers the first value of each header, by its name in lower case
   */
  public record Request(String method, String path, String query, Map<String, String> headers) {}

  /** An answer, to be changed before it is sent. */
  public static final class Answer {
    /** The status. */
    public int status = 200;

    /** The headers; a content length declares another one than that of the body. */
    public final Map<String, String> headers = new TreeMap<>();

    /** The body; not sent for HEAD. */
    public byte[] body = {};

    /** How many bytes of the body are sent before the connection is closed; at first all. */
    public int sent = Integer.MAX_VALUE;

    /** Whether the connection is closed without an answer. */
    public boolean reset;

    /** How long each KiB of the body takes, in milliseconds. */
    public long slowness;

    private Answer() {}
  }

  private static final int PIECE = 1024;

  private final Path folder;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool(FileServer::daemon);
  private final List<Request> requests = new ArrayList<>();
  private final AtomicLong served = new AtomicLong();
  private volatile BiConsumer<Request, Answer> fault = (request, answer) -> {};

  private FileServer(Path folder, HttpServer server) {
    this.folder = folder;
    this.server = server;
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "file-server");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Starts a server.
   *
   * @param folder the files to serve
   * @return the server; the caller closes it
   * @throws IOException if no port can be opened
   */
  public static FileServer of(Path folder) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    FileServer made =
        new FileServer(folder, HttpServer.create(new InetSocketAddress(loopback, 0), 0));
    made.server.setExecutor(made.threads);
    made.server.createContext("/", made::handle);
    made.server.start();
    return made;
  }

  /** {@return the address of the folder, with a slash at its end} */
  public String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  /**
   * Changes the answers from now on.
   *
   * @param change receives each request, and its answer before it is sent
   */
  public void fault(BiConsumer<Request, Answer> change) {
    fault = change;
  }

  /** {@return the requests so far} */
  public List<Request> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  /** {@return the bytes of bodies that were sent so far} */
  public long served() {
    return served.get();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Map<String, String> headers = new TreeMap<>();
      exchange
          .getRequestHeaders()
          .forEach(
              (name, values) ->
                  headers.put(name.toLowerCase(java.util.Locale.ROOT), values.get(0)));
      String query = exchange.getRequestURI().getRawQuery();
      Request request =
          new Request(
              exchange.getRequestMethod(),
              exchange.getRequestURI().getPath().substring(1),
              query == null ? "" : query,
              headers);
      synchronized (requests) {
        requests.add(request);
      }
      Answer answer = answer(request);
      fault.accept(request, answer);
      if (!answer.reset) {
        send(exchange, answer);
      }
    } catch (IOException | UncheckedIOException clientLeft) {
      // The client closed the connection, as it may.
    }
  }

  private Answer answer(Request request) throws IOException {
    Answer answer = new Answer();
    Path file = folder.resolve(request.path()).normalize();
    if (!file.startsWith(folder) || !Files.isRegularFile(file)) {
      answer.status = 404;
      return answer;
    }
    byte[] all = Files.readAllBytes(file);
    CRC32C crc = new CRC32C();
    crc.update(all);
    answer.headers.put("ETag", String.format("\"%08x\"", crc.getValue()));
    answer.headers.put(
        "Last-Modified",
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            Files.getLastModifiedTime(file).toInstant().atOffset(ZoneOffset.UTC)));
    answer.body = all;
    String unless = request.headers().get("if-range");
    boolean same = unless == null || unless.equals(answer.headers.get("ETag"));
    Optional<String> range = Optional.ofNullable(request.headers().get("range")).filter(r -> same);
    if (range.isPresent() && request.method().equals("GET")) {
      String[] ends = range.get().substring("bytes=".length()).split("-", -1);
      int first = Integer.parseInt(ends[0]);
      int last = ends[1].isEmpty() ? all.length - 1 : Integer.parseInt(ends[1]);
      if (first >= all.length) {
        answer.status = 416;
        answer.headers.put("Content-Range", "bytes */" + all.length);
        answer.body = new byte[0];
      } else {
        int end = Math.min(last, all.length - 1);
        answer.status = 206;
        answer.headers.put("Content-Range", "bytes " + first + "-" + end + "/" + all.length);
        answer.body = Arrays.copyOfRange(all, first, end + 1);
      }
    }
    return answer;
  }

  private void send(HttpExchange exchange, Answer answer) throws IOException {
    answer.headers.forEach(exchange.getResponseHeaders()::set);
    String declared = answer.headers.getOrDefault("Content-Length", "" + answer.body.length);
    exchange.getResponseHeaders().set("Content-Length", declared);
    if (exchange.getRequestMethod().equals("HEAD") || declared.equals("0")) {
      exchange.sendResponseHeaders(answer.status, -1);
      return;
    }
    exchange.sendResponseHeaders(answer.status, Long.parseLong(declared));
    int sent = Math.min(answer.sent, answer.body.length);
    // Closed by handle, which breaks the connection off if bytes are missing.
    OutputStream out = exchange.getResponseBody();
    for (int at = 0; at < sent; at += PIECE) {
      pause(answer.slowness);
      int length = Math.min(PIECE, sent - at);
      out.write(answer.body, at, length);
      out.flush();
      served.addAndGet(length);
    }
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops the server at once. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
