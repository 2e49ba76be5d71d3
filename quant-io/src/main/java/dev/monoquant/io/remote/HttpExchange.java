package dev.monoquant.io.remote;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.Secret;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Sends requests for the files of a folder and follows redirects: with credentials where they
 * belong, and nowhere else. Addresses that a redirect leads to may hold signatures, and are not in
 * any message. Thread-safe.
 */
final class HttpExchange {

  private static final int MOST_REDIRECTS = 10;
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  /**
   * The answer to a request.
   *
   * @param response the last answer
   * @param toFolder whether a redirect led to the same path with a slash, and was not followed
   */
  record Answer(HttpResponse<HttpBody> response, boolean toFolder) implements Closeable {

    int status() {
      return response.statusCode();
    }

    Optional<String> text(String header) {
      return response.headers().firstValue(header);
    }

    Optional<Long> number(String header) {
      return text(header).filter(t -> t.matches("[0-9]{1,18}")).map(Long::valueOf);
    }

    /** {@return the encoding, if the answer is encoded} */
    Optional<String> encoding() {
      return text("content-encoding").filter(e -> !e.equalsIgnoreCase("identity"));
    }

    HttpBody body() {
      return response.body();
    }

    /** Throws if the server could not answer now. */
    void requireNoFailure() throws IOException {
      if (status() >= 500 || status() == 408 || status() == 425 || status() == 429) {
        throw new IOException("the server answers with status " + status());
      }
    }

    @Override
    public void close() {
      response.body().close();
    }
  }

  private final RemoteLocation location;
  private final RemoteAccess access;
  private final HttpClient client;

  HttpExchange(RemoteLocation location, RemoteAccess access) {
    this.location = location;
    this.access = access;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(access.timeout())
            .build();
  }

  /**
   * Sends a request.
   *
   * @param method GET or HEAD
   * @param name the file
   * @param headers headers besides those for access
   * @return the answer, which may be a refusal; the caller closes it
   * @throws IOException if there is no answer
   * @throws ModelFormatException if it redirects too often, or where it must not
   */
  Answer send(String method, String name, Map<String, String> headers) throws IOException {
    URI plain = location.file(name);
    URI address = location.query().map(q -> URI.create(plain + "?" + q.reveal())).orElse(plain);
    for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
      HttpResponse<HttpBody> response = once(request(method, name, address, headers));
      if (!REDIRECTS.contains(response.statusCode())) {
        return new Answer(response, false);
      }
      URI next = next(response, name, address);
      if (next.getPath() != null && next.getPath().equals(address.getPath() + "/")) {
        return new Answer(response, true);
      }
      response.body().close();
      address = next;
    }
    throw refusal(name, "more than " + MOST_REDIRECTS + " redirects. Check the address");
  }

  private URI next(HttpResponse<HttpBody> response, String name, URI from) {
    Optional<String> to = response.headers().firstValue("location");
    URI next;
    try {
      next = from.resolve(to.orElse(""));
    } catch (IllegalArgumentException e) {
      response.body().close();
      throw refusal(name, "the server redirects to what is no address. Check the address");
    }
    String scheme = String.valueOf(next.getScheme()).toLowerCase(Locale.ROOT);
    boolean web = scheme.equals("https") || scheme.equals("http");
    boolean weaker = scheme.equals("http") && "https".equalsIgnoreCase(from.getScheme());
    if (to.isEmpty() || !web || weaker || next.getHost() == null) {
      response.body().close();
      throw refusal(
          name,
          weaker
              ? "the server redirects from https to http, which is not followed. Give the address"
                  + " it leads to"
              : "the server redirects to nowhere, or to an address of another kind than http and"
                  + " https. Check the address");
    }
    return next;
  }

  private HttpRequest request(
      String method, String name, URI address, Map<String, String> headers) {
    HttpRequest.Builder request;
    try {
      request = HttpRequest.newBuilder(address);
    } catch (IllegalArgumentException e) {
      throw refusal(name, "this is no address of a web server. Check the address");
    }
    request
        .method(method, BodyPublishers.noBody())
        .timeout(access.timeout())
        .header("Accept-Encoding", "identity");
    headers.forEach(request::header);
    if (isOwn(address)) {
      location.userInfo().ifPresent(own -> request.setHeader("Authorization", basic(own)));
      access.header().ifPresent(own -> setHeader(request, own));
    }
    return request.build();
  }

  /** Whether an address has the scheme, host and port for which the credentials are. */
  private boolean isOwn(URI address) {
    URI own = location.folder();
    return String.valueOf(own.getScheme()).equalsIgnoreCase(address.getScheme())
        && String.valueOf(own.getHost()).equalsIgnoreCase(address.getHost())
        && port(own) == port(address);
  }

  private static int port(URI address) {
    return address.getPort() >= 0
        ? address.getPort()
        : "https".equalsIgnoreCase(address.getScheme()) ? 443 : 80;
  }

  private static String basic(Secret userInfo) {
    String text = userInfo.reveal();
    byte[] plain = URLDecoder.decode(text.replace("+", "%2B"), UTF_8).getBytes(UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(plain);
  }

  private static void setHeader(HttpRequest.Builder request, Secret header) {
    String text = header.reveal();
    int colon = text.indexOf(':');
    try {
      request.setHeader(text.substring(0, colon), text.substring(colon + 1).strip());
    } catch (IllegalArgumentException e) {
      // Its message shows the header.
      throw new ConfigurationException(
          "the header for requests (not shown, as it is a secret) is one that a program must not"
              + " set, or has characters that are not allowed. Example: Authorization: Bearer"
              + " TOKEN");
    }
  }

  private HttpResponse<HttpBody> once(HttpRequest request) throws IOException {
    try {
      return client.send(request, info -> new HttpBody(access.timeout()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private static IOException failure(IOException e) {
    IOException failure =
        isUnresolved(e)
            ? new UnknownHostException("no host of that name is known")
            : new IOException(described(e));
    failure.initCause(e);
    return failure;
  }

  private static boolean isUnresolved(IOException e) {
    for (Throwable at = e; at != null; at = at.getCause()) {
      if (at instanceof UnresolvedAddressException || at instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }

  private static String described(IOException e) {
    String kind = e.getClass().getSimpleName();
    return e.getMessage() == null ? kind : kind + ": " + e.getMessage();
  }

  private ModelFormatException refusal(String name, String detail) {
    return new ModelFormatException(Reason.UNREADABLE, location.shown(name), "", detail + ".");
  }
}
