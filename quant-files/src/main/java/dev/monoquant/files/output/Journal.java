package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.OutputException;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.RunningHash;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The journal of an unfinished directory: lines of JSON in its file {@code .quant-journal}. The
 * first line describes the run; each further line describes one tensor file that is complete,
 * flushed and checked. An incomplete last line is ignored. Thread-safe.
 *
 * <pre>
 * {"run":{"monoquant.config":"...","header of model-00001-of-00002.safetensors":SHA,...}}
 * {"file":NAME,"header":"0 BYTES SHA","sources":{INPUT:SHA},
 *  "regions":{TENSOR:"START BYTES SHA"},"remarks":{WEIGHT:TEXT}}                (in one line)
 * </pre>
 */
final class Journal implements Closeable {

  static final String FILE = ".quant-journal";

  /** A byte range of a file, and its hash. */
  record Hashed(long start, long bytes, String hash) {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,18}) (\\d{1,18}) ([0-9a-f]{64})");

    String text() {
      return start + " " + bytes + " " + hash;
    }

    static Hashed parse(String text, String label) {
      Matcher parts = TEXT.matcher(text);
      if (!parts.matches()) {
        throw new ModelFormatException(
            Reason.METADATA, label, "", quote(text) + " is no run of bytes with its SHA-256.");
      }
      return new Hashed(
          Long.parseLong(parts.group(1)), Long.parseLong(parts.group(2)), parts.group(3));
    }
  }

  /**
   * A complete tensor file.
   *
   * @param shard its name in the directory
   * @param header the bytes before its first region
   * @param sources hashes of the input files it was made from, by name
   * @param regions its regions by name
   * @param remarks the remarks on its weights, by weight
   */
  record Entry(
      String shard,
      Hashed header,
      SortedMap<String, String> sources,
      SortedMap<String, Hashed> regions,
      SortedMap<String, String> remarks) {

    /** The hashes of the regions of a file. */
    @FunctionalInterface
    interface Hashes {

      String of(String region) throws IOException;
    }

    static Entry of(
        HashKind kind,
        String shard,
        FileLayout layout,
        SortedMap<String, String> sources,
        Hashes hashes,
        SortedMap<String, String> remarks)
        throws IOException {
      RunningHash header = new RunningHash(kind);
      layout.header(header::add);
      SortedMap<String, Hashed> regions = Manifest.sorted();
      for (FileLayout.Region region : layout.regions()) {
        String hash = hashes.of(region.name());
        regions.put(region.name(), new Hashed(region.start(), region.length(), hash));
      }
      return new Entry(
          shard, new Hashed(0, layout.headerLength(), header.hash()), sources, regions, remarks);
    }

    /** Whether a file matches this entry exactly; reads every byte. */
    boolean isWhole(Path path, HashPool pool) throws IOException {
      List<Hashed> all = new ArrayList<>(regions.values());
      all.add(header);
      long bytes = all.stream().mapToLong(Hashed::bytes).sum();
      if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) || Files.size(path) != bytes) {
        return false;
      }
      try (FileChannel file =
          FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
        List<Future<String>> hashes = new ArrayList<>();
        all.forEach(
            run -> hashes.add(pool.submit(HashKind.PIECES, file::read, run.start(), run.bytes())));
        boolean whole = true;
        for (int i = 0; i < all.size(); i++) {
          whole &= HashPool.await(hashes.get(i)).equals(all.get(i).hash());
        }
        return whole;
      }
    }
  }

  /**
   * The journal of an earlier run.
   *
   * @param run the identity of the run
   * @param entries its complete files
   * @param length the size in bytes of the complete lines
   */
  record Contents(Map<String, String> run, List<Entry> entries, long length) {}

  private final FileChannel channel;
  private final boolean sync;
  private long length;

  private Journal(FileChannel channel, boolean sync, long length) {
    this.channel = channel;
    this.sync = sync;
    this.length = length;
  }

  /** Starts a journal. */
  static Journal create(
      Path directory, Map<String, String> run, boolean sync, Disk disk, OutputMode mode)
      throws IOException {
    FileChannel channel = disk.create(directory.resolve(FILE), mode.ofFile());
    Journal journal = new Journal(channel, sync, 0);
    try {
      journal.append(
          JsonText.compactObject(
              json -> json.object("run", texts -> new TreeMap<>(run).forEach(texts::text))));
    } catch (IOException | RuntimeException | Error e) {
      journal.close();
      throw e;
    }
    return journal;
  }

  /** Continues a journal after its last complete line. */
  static Journal resume(Path directory, Contents contents, boolean sync) throws IOException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve(FILE), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    channel.truncate(contents.length());
    return new Journal(channel, sync, contents.length());
  }

  /**
   * Adds a complete file.
   *
   * @param entry the file and its hashes
   * @throws IOException if writing fails
   */
  public synchronized void add(Entry entry) throws IOException {
    append(
        JsonText.compactObject(
            json -> {
              json.text("file", entry.shard());
              json.text("header", entry.header().text());
              json.object("sources", texts -> entry.sources().forEach(texts::text));
              json.object(
                  "regions",
                  texts ->
                      entry.regions().forEach((name, region) -> texts.text(name, region.text())));
              json.object("remarks", texts -> entry.remarks().forEach(texts::text));
            }));
  }

  /** Writes a line, its end last: a piece at a time is in memory. */
  private void append(TextPieces line) throws IOException {
    try {
      line.forEachUtf8(this::write);
      write("\n".getBytes(StandardCharsets.UTF_8));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    if (sync) {
      channel.force(true);
    }
  }

  private void write(byte[] more) {
    ByteBuffer bytes = ByteBuffer.wrap(more);
    try {
      while (bytes.hasRemaining()) {
        length += channel.write(bytes, length);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads the journal of an interrupted run.
   *
   * @param directory the directory of that run
   * @return its contents; empty if the first line is incomplete
   * @throws OutputException if it is damaged
   */
  static Contents read(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    String text;
    try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      text = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    }
    int end = text.lastIndexOf('\n') + 1;
    Map<String, String> run = Map.of();
    Map<String, Entry> entries = new LinkedHashMap<>();
    try {
      for (String line : text.substring(0, end).lines().toList()) {
        JsonValue.Obj json = parse(file, line);
        if (json.find("run").isPresent()) {
          run = Manifest.texts(json, "run", file.toString());
        } else {
          Entry entry = entry(json, file.toString());
          entries.put(entry.shard(), entry);
        }
      }
    } catch (ModelFormatException e) {
      throw new OutputException(
          file + ": the journal is damaged. Start anew without --resume, which removes it", e);
    }
    return new Contents(run, List.copyOf(entries.values()), end);
  }

  private static JsonValue.Obj parse(Path file, String line) {
    JsonValue json =
        StrictJson.parse(
            ByteBuffer.wrap(line.getBytes(StandardCharsets.ISO_8859_1)),
            JsonDialect.own(file.toString(), "the journal"));
    if (json instanceof JsonValue.Obj object) {
      return object;
    }
    throw new ModelFormatException(Reason.METADATA, file.toString(), "", "a line is no object.");
  }

  private static Entry entry(JsonValue.Obj json, String label) {
    SortedMap<String, Hashed> regions = Manifest.sorted();
    Manifest.texts(json, "regions", label)
        .forEach((name, text) -> regions.put(name, Hashed.parse(text, label)));
    return new Entry(
        json.text("file").orElse(""),
        Hashed.parse(json.text("header").orElse(""), label),
        Manifest.texts(json, "sources", label),
        regions,
        Manifest.texts(json, "remarks", label));
  }

  /**
   * Refuses to resume a run that differs from this one.
   *
   * @param target the output, for the message
   * @param then the identity of the interrupted run
   * @param now the identity of this run
   * @throws OutputException naming the first difference
   */
  static void requireSame(Path target, Map<String, String> then, Map<String, String> now) {
    TreeSet<String> keys = new TreeSet<>(then.keySet());
    keys.addAll(now.keySet());
    for (String key : keys) {
      String before = then.getOrDefault(key, "");
      String after = now.getOrDefault(key, "");
      if (!before.equals(after)) {
        JsonValue old = json(before);
        JsonValue young = json(after);
        if (old instanceof JsonValue.Obj a && young instanceof JsonValue.Obj b) {
          requireSame(target, inner(key, a), inner(key, b));
        }
        throw refusal(target, key, before, after);
      }
    }
  }

  /**
   * The members of an object, so that the message names the part of the configuration that differs.
   */
  private static Map<String, String> inner(String key, JsonValue.Obj object) {
    Map<String, String> members = new LinkedHashMap<>();
    object.members().forEach((k, v) -> members.put(key + ": " + k, JsonText.compact(v)));
    return members;
  }

  private static JsonValue json(String text) {
    try {
      return text.startsWith("{") ? parse(Path.of(FILE), text) : JsonValue.of(text);
    } catch (ModelFormatException noJson) {
      return JsonValue.of(text);
    }
  }

  /** Makes the exception for a run that cannot be resumed. */
  static OutputException refusal(Path target, String what, String before, String after) {
    return new OutputException(
        target
            + ": the interrupted run cannot be resumed: "
            + what
            + " was "
            + quote(before)
            + " and is "
            + quote(after)
            + " now. Run with what it was then, or start anew without --resume, which removes what"
            + " it left");
  }

  /** Removes the journal of a complete directory. */
  void remove(Path directory) throws IOException {
    close();
    Files.delete(directory.resolve(FILE));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
