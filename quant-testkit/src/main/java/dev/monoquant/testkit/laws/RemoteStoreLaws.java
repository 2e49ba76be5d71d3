package dev.monoquant.testkit.laws;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.spi.Secret;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Laws for a {@link RemoteStore}, on a folder whose files the test knows and changes. */
public final class RemoteStoreLaws {

  private static final String TOKEN = "token-of-the-laws";

  private RemoteStoreLaws() {}

  /** Puts files where a store reads them. */
  @FunctionalInterface
  public interface Place {
    /**
     * Makes these the only files of the folder.
     *
     * @param files their bytes by name, with forward slashes
     * @return where they are, the same at each call
     * @throws IOException if that fails
     */
    RemoteLocation hold(Map<String, byte[]> files) throws IOException;
  }

  /**
   * A store and a place that it reads.
   *
   * @param store the subject
   * @param place where its files are
   */
  public record Case(RemoteStore store, Place place) {
    @Override
    public String toString() {
      return store.id() + " (" + store.getClass().getName() + ")";
    }
  }

  /** {@return every law, the simplest first} */
  public static List<Law<Case>> all() {
    return List.of(
        new Law<>("idIsValid", c -> Ids.require("idIsValid", c.store(), c.store()::id)),
        new Law<>("schemesAreValid", RemoteStoreLaws::schemesAreValid),
        new Law<>("findsWhatIsThere", RemoteStoreLaws::findsWhatIsThere),
        new Law<>("listsAllOrCannot", RemoteStoreLaws::listsAllOrCannot),
        new Law<>("rangesAreExact", RemoteStoreLaws::rangesAreExact),
        new Law<>("aChangedFileIsRefused", RemoteStoreLaws::aChangedFileIsRefused),
        new Law<>("failuresShowNoSecret", RemoteStoreLaws::failuresShowNoSecret));
  }

  private static Map<String, byte[]> files() {
    byte[] data = new byte[20_000];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 31 + (i >> 8));
    }
    Map<String, byte[]> files = new TreeMap<>();
    files.put("model.safetensors", data);
    files.put("a name with blanks", new byte[] {7});
    files.put("empty", new byte[0]);
    files.put("sub/config.json", new byte[] {'{', '}'});
    return files;
  }

  /** The work of a law on an open folder. */
  private interface Work {
    void on(RemoteFiles open) throws IOException;
  }

  private static void onFiles(String law, Case c, Work work) {
    try (RemoteFiles open = c.store().open(c.place().hold(files()), RemoteAccess.DEFAULT)) {
      work.on(open);
    } catch (IOException | RuntimeException e) {
      if (e instanceof NotApplicable notApplicable) {
        throw notApplicable;
      }
      throw new LawViolation(law, c, "it failed: " + e, e);
    }
  }

  /**
   * A store has a scheme; schemes are in lower case, as addresses are compared, and none is that of
   * the files of this machine.
   *
   * @param c any case
   */
  public static void schemesAreValid(Case c) {
    String law = "schemesAreValid";
    if (c.store().schemes().isEmpty()) {
      throw new LawViolation(law, c, "it has no scheme");
    }
    for (String scheme : c.store().schemes()) {
      boolean valid =
          scheme.equals(scheme.toLowerCase(Locale.ROOT))
              && RemoteLocation.isAddress(scheme + "://host")
              && !scheme.equals("file");
      if (!valid) {
        throw new LawViolation(law, c, "a scheme is " + scheme);
      }
    }
  }

  /**
   * Each file is found under its name with its size, the same each time; folders and other names
   * are not.
   *
   * @param c any case
   */
  public static void findsWhatIsThere(Case c) {
    String law = "findsWhatIsThere";
    onFiles(
        law,
        c,
        open -> {
          for (Map.Entry<String, byte[]> file : files().entrySet()) {
            Optional<RemoteFile> found = open.find(file.getKey());
            boolean right =
                found.isPresent()
                    && found.get().name().equals(file.getKey())
                    && found.get().size() == file.getValue().length
                    && open.find(file.getKey()).equals(found);
            if (!right) {
              throw new LawViolation(
                  law,
                  c,
                  file.getKey() + " of " + file.getValue().length + " bytes is found as " + found);
            }
          }
          for (String none : List.of("absent", "sub", "sub/absent")) {
            if (open.find(none).isPresent()) {
              throw new LawViolation(law, c, none + " is found, and is no file");
            }
          }
        });
  }

  /**
   * A list has all files, also those in folders, and nothing else. A store need not list.
   *
   * @param c any case; the law does not apply if the store cannot list
   */
  public static void listsAllOrCannot(Case c) {
    String law = "listsAllOrCannot";
    onFiles(
        law,
        c,
        open -> {
          Optional<List<String>> listed = open.list();
          if (listed.isEmpty()) {
            throw new NotApplicable(law, "the store cannot list");
          }
          if (!new TreeSet<>(listed.get()).equals(files().keySet())
              || listed.get().size() != files().size()) {
            throw new LawViolation(
                law, c, "it lists " + listed.get() + ", and there are " + files().keySet());
          }
        });
  }

  /**
   * A range has its bytes and ends after the last of them.
   *
   * @param c any case
   */
  public static void rangesAreExact(Case c) {
    String law = "rangesAreExact";
    onFiles(
        law,
        c,
        open -> {
          String name = "model.safetensors";
          byte[] all = files().get(name);
          RemoteFile file = open.find(name).orElseThrow();
          int[][] ranges = {{0, 1}, {0, 20_000}, {1, 8_192}, {8_191, 2}, {19_999, 1}, {123, 7_777}};
          for (int[] range : ranges) {
            byte[] read = read(open, file, range[0], range[1]);
            if (!Arrays.equals(read, Arrays.copyOfRange(all, range[0], range[0] + range[1]))) {
              throw new LawViolation(
                  law,
                  c,
                  "bytes %d to %d are %d others"
                      .formatted(range[0], range[0] + range[1], read.length));
            }
          }
          // Closed before its end, as after a failure.
          open.read(file, 0, 20_000).close();
          if (read(open, file, 5, 5).length != 5) {
            throw new LawViolation(law, c, "after a read that was closed early, another fails");
          }
        });
  }

  /** Reads to the end; a byte more than asked for is in the result. */
  private static byte[] read(RemoteFiles open, RemoteFile file, int offset, int length)
      throws IOException {
    ByteBuffer into = ByteBuffer.allocate(length + 1);
    try (ReadableByteChannel in = open.read(file, offset, length)) {
      while (into.hasRemaining() && in.read(into) >= 0) {
        Thread.onSpinWait();
      }
    }
    return Arrays.copyOf(into.array(), into.position());
  }

  /**
   * A file that is another one than when it was found is refused: longer, shorter, gone, and, if
   * the store knows an identity, with other bytes of the same size.
   *
   * @param c any case
   */
  public static void aChangedFileIsRefused(Case c) {
    String law = "aChangedFileIsRefused";
    String name = "model.safetensors";
    for (int length : new int[] {20_001, 19_000, 20_000, -1}) {
      onFiles(
          law,
          c,
          open -> {
            RemoteFile before = open.find(name).orElseThrow();
            Map<String, byte[]> changed = files();
            if (length < 0) {
              changed.remove(name);
            } else {
              changed.put(name, new byte[length]);
            }
            c.place().hold(changed);
            if (length == before.size() && before.identity().isEmpty()) {
              return;
            }
            try {
              read(open, before, 0, 100);
            } catch (ModelFormatException refused) {
              return;
            }
            throw new LawViolation(
                law,
                c,
                length < 0
                    ? "a file that is gone is read"
                    : "a file of 20000 bytes that was replaced by one of " + length + " is read");
          });
    }
  }

  /**
   * Neither user info, nor query, nor header are in a failure or a text of the store.
   *
   * @param c any case
   */
  public static void failuresShowNoSecret(Case c) {
    String law = "failuresShowNoSecret";
    Optional<Secret> secret = Optional.of(new Secret(TOKEN));
    RemoteAccess access = RemoteAccess.DEFAULT.withHeader(new Secret("X-Test: " + TOKEN));
    try {
      RemoteLocation plain = c.place().hold(files());
      RemoteLocation location = new RemoteLocation(plain.folder(), secret, secret);
      try (RemoteFiles open = c.store().open(location, access)) {
        requireSafe(law, c, open.toString());
        requireSafe(law, c, open.find("empty").toString());
        RemoteFile wrong =
            new RemoteFile("absent", 10, Optional.empty(), Optional.of("another identity"));
        read(open, wrong, 0, 10);
      }
      throw new LawViolation(law, c, "a file that was never there is read");
    } catch (IOException | RuntimeException e) {
      StringWriter text = new StringWriter();
      e.printStackTrace(new PrintWriter(text));
      requireSafe(law, c, text.toString());
    }
  }

  private static void requireSafe(String law, Case c, String text) {
    if (text.contains(TOKEN)) {
      throw new LawViolation(law, c, "a secret is in its text");
    }
  }
}
