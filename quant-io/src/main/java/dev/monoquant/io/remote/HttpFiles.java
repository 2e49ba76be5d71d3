package dev.monoquant.io.remote;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.remote.HttpExchange.Answer;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A folder of a web server. */
final class HttpFiles implements RemoteFiles {

  /** Reading a part of a file then transfers all of it. */
  private static final long MOST_WITHOUT_RANGES = 32L << 20;

  private static final Pattern RANGE =
      Pattern.compile("bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\\*)");
  private static final Pattern NO_RANGE = Pattern.compile("bytes \\*/([0-9]{1,18})");

  private final RemoteLocation location;
  private final HttpExchange exchange;

  HttpFiles(RemoteLocation location, RemoteAccess access) {
    this.location = location;
    this.exchange = new HttpExchange(location, access);
  }

  @Override
  public Optional<List<String>> list() {
    return Optional.empty();
  }

  @Override
  public Optional<RemoteFile> find(String name) throws IOException {
    try (Answer head = exchange.send("HEAD", name, Map.of())) {
      if (isMissing(head)) {
        return Optional.empty();
      }
      Optional<Long> length = head.number("content-length");
      if (head.status() == 200 && length.isPresent() && head.encoding().isEmpty()) {
        return Optional.of(file(name, length.get(), head));
      }
      if (head.status() == 401) {
        throw denied(name, head);
      }
      head.requireNoFailure();
    }
    try (Answer one = exchange.send("GET", name, Map.of("Range", "bytes=0-0"))) {
      if (isMissing(one)) {
        return Optional.empty();
      }
      one.requireNoFailure();
      requireAllowed(name, one);
      requirePlain(name, one);
      Optional<Long> size =
          switch (one.status()) {
            case 200 -> one.number("content-length");
            case 206 -> total(one, RANGE, 3);
            case 416 -> total(one, NO_RANGE, 1);
            default -> throw unexpected(name, one);
          };
      return Optional.of(
          file(
              name,
              size.orElseThrow(
                  () ->
                      refusal(
                          name,
                          "the server does not say how long it is, so that a part of it could pass"
                              + " for all. Fetch it to this machine and give that")),
              one));
    }
  }

  private static Optional<Long> total(Answer answer, Pattern pattern, int group) {
    Matcher range = pattern.matcher(answer.text("content-range").orElse(""));
    return range.matches() && !range.group(group).equals("*")
        ? Optional.of(Long.parseLong(range.group(group)))
        : Optional.empty();
  }

  /** A server sends who asks for a folder to its address with a slash. */
  private static boolean isMissing(Answer answer) {
    return answer.status() == 404 || answer.status() == 410 || answer.toFolder();
  }

  private static RemoteFile file(String name, long size, Answer answer) {
    return new RemoteFile(name, size, modified(answer), answer.text("etag"));
  }

  private static Optional<Instant> modified(Answer answer) {
    return answer
        .text("last-modified")
        .flatMap(
            text -> {
              try {
                return Optional.of(
                    ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
              } catch (DateTimeException other) {
                return Optional.empty();
              }
            });
  }

  @Override
  public ReadableByteChannel read(RemoteFile file, long offset, long length) throws IOException {
    String name = file.name();
    long last = offset + length - 1;
    Map<String, String> headers = new TreeMap<>();
    headers.put("Range", "bytes=" + offset + "-" + last);
    strongTag(file).ifPresent(tag -> headers.put("If-Range", tag));
    Answer answer = exchange.send("GET", name, headers);
    try {
      if (isMissing(answer)) {
        throw refusal(name, "it is gone since it was found. Nothing was written; run again");
      }
      answer.requireNoFailure();
      requireAllowed(name, answer);
      if (answer.status() == 416 || answer.status() == 412) {
        throw changed(file, "the server has no bytes " + offset + " to " + last + " of it");
      }
      requireSame(file, answer);
      requirePlain(name, answer);
      if (answer.status() == 206) {
        return part(file, answer, offset, last);
      }
      if (answer.status() == 200) {
        return whole(file, answer, offset, length);
      }
      throw unexpected(name, answer);
    } catch (IOException | RuntimeException | Error e) {
      answer.close();
      throw e;
    }
  }

  /** The entity tag, if equal tags mean equal bytes: a weak one must not be in {@code If-Range}. */
  private static Optional<String> strongTag(RemoteFile file) {
    return file.identity().filter(tag -> tag.startsWith("\""));
  }

  private ReadableByteChannel part(RemoteFile file, Answer answer, long offset, long last)
      throws IOException {
    String text = answer.text("content-range").orElse("");
    Matcher range = RANGE.matcher(text);
    if (!range.matches()
        || Long.parseLong(range.group(1)) != offset
        || Long.parseLong(range.group(2)) > last
        || Long.parseLong(range.group(2)) < offset) {
      throw refusal(
          file.name(),
          "the server was asked for bytes "
              + offset
              + " to "
              + last
              + " and answers "
              + quote(text)
              + ". Fetch the file to this machine and give that");
    }
    if (!range.group(3).equals("*") && Long.parseLong(range.group(3)) != file.size()) {
      throw changed(file, "it has " + range.group(3) + " bytes now, and had " + file.size());
    }
    // A shorter part than asked for is allowed; the rest is asked for again.
    long length = Long.parseLong(range.group(2)) - offset + 1;
    Optional<Long> declared = answer.number("content-length");
    if (declared.isPresent() && declared.get() != length) {
      throw new IOException(
          "the answer has " + declared.get() + " bytes and is said to hold " + length);
    }
    return answer.body().part(0, length);
  }

  private ReadableByteChannel whole(RemoteFile file, Answer answer, long offset, long length) {
    Optional<Long> size = answer.number("content-length");
    if (size.isPresent() && size.get() != file.size()) {
      throw changed(file, "it has " + size.get() + " bytes now, and had " + file.size());
    }
    if (length != file.size() && file.size() > MOST_WITHOUT_RANGES) {
      throw refusal(
          file.name(),
          "the server serves no ranges, only the whole file of "
              + file.size()
              + " bytes. Fetch it to this machine and give that, or use a server with ranges");
    }
    return answer.body().part(offset, length);
  }

  private void requireSame(RemoteFile file, Answer answer) {
    Optional<String> tag = answer.text("etag");
    if (file.identity().isPresent()) {
      if (!tag.equals(file.identity())) {
        throw changed(
            file, "its entity tag was " + file.identity().get() + " and is " + tag.orElse("none"));
      }
    } else if (file.modified().isPresent() && !modified(answer).equals(file.modified())) {
      throw changed(
          file,
          "its time was "
              + file.modified().get()
              + " and is "
              + modified(answer).map(Instant::toString).orElse("unknown"));
    }
  }

  private void requirePlain(String name, Answer answer) {
    Optional<String> encoding = answer.encoding();
    if (encoding.isPresent()) {
      throw refusal(
          name,
          "the server encodes it as "
              + quote(encoding.get())
              + ", though it was asked not to, so that ranges are not those of the file. Turn that"
              + " off there, or fetch the file to this machine and give that");
    }
  }

  private void requireAllowed(String name, Answer answer) {
    if (answer.status() == 401 || answer.status() == 403 || answer.status() == 407) {
      throw denied(name, answer);
    }
  }

  private ModelFormatException denied(String name, Answer answer) {
    return refusal(
        name,
        "access is denied (status "
            + answer.status()
            + "). Set the environment variable QUANT_HTTP_HEADER to a header that grants it, such as"
            + " Authorization: Bearer TOKEN, or check the address");
  }

  private ModelFormatException unexpected(String name, Answer answer) {
    return refusal(
        name, "the server answers with status " + answer.status() + ". Check the address");
  }

  private ModelFormatException changed(RemoteFile file, String how) {
    return refusal(
        file.name(),
        "the file changed while it was read: "
            + how
            + ". Run again when no other process writes to it");
  }

  private ModelFormatException refusal(String name, String detail) {
    return new ModelFormatException(Reason.UNREADABLE, location.shown(name), "", detail + ".");
  }

  @Override
  public void close() {
    // The JDK's client closes its connections when it is no longer reachable.
  }
}
