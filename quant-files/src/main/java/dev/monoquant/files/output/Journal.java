package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.OutputException;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * What an unfinished directory holds already: lines of JSON in {@code .quant-journal} within it,
 * the first about the run, and one for each file of tensors that is complete, flushed and checked.
 * A last line that was cut off by the end of the process counts as not there. Thread-safe.
 *
 * <pre>
 * {"run":{"monoquant.config":"...","header of model-00001-of-00002.safetensors":SHA,...}}
 * {"shard":NAME,"header":SHA,"sources":{INPUT:SHA},"tensors":{TENSOR:SHA},"remarks":{WEIGHT:TEXT}}
 * </pre>
 */
public final class Journal implements Closeable {

  static final String FILE = ".quant-journal";

  /**
   * A file of tensors that is complete.
   *
   * @param shard its name in the directory
   * @param header the hash of the file up to its data
   * @param sources hashes of the input files it was made of, by name
   * @param tensors hashes of its tensors by name
   * @param remarks the texts left with its weights
   */
  public record Entry(
      String shard,
      String header,
      SortedMap<String, String> sources,
      SortedMap<String, String> tensors,
      SortedMap<String, String> remarks) {}

  /**
   * What an earlier run left.
   *
   * @param run what identifies it
   * @param entries its complete files
   * @param length bytes of the whole lines
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
      journal.append(new JsonValue.Obj(Map.of("run", object(run))));
    } catch (IOException | RuntimeException | Error e) {
      journal.close();
      throw e;
    }
    return journal;
  }

  /** Goes on with one, after its last whole line. */
  static Journal resume(Path directory, Contents contents, boolean sync) throws IOException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve(FILE), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    channel.truncate(contents.length());
    return new Journal(channel, sync, contents.length());
  }

  /**
   * Adds a file that is complete.
   *
   * @param entry the file and its hashes
   * @throws IOException if writing fails
   */
  public synchronized void add(Entry entry) throws IOException {
    Map<String, JsonValue> json = new LinkedHashMap<>();
    json.put("shard", JsonValue.of(entry.shard()));
    json.put("header", JsonValue.of(entry.header()));
    json.put("sources", object(entry.sources()));
    json.put("tensors", object(entry.tensors()));
    json.put("remarks", object(entry.remarks()));
    append(new JsonValue.Obj(json));
  }

  private void append(JsonValue line) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap((JsonText.compact(line) + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      length += channel.write(bytes, length);
    }
    if (sync) {
      channel.force(true);
    }
  }

  private static JsonValue object(Map<String, String> texts) {
    Map<String, JsonValue> json = Manifest.sorted();
    texts.forEach((key, value) -> json.put(key, JsonValue.of(value)));
    return new JsonValue.Obj(json);
  }

  /**
   * Reads the journal of an interrupted run.
   *
   * @param directory what that run left
   * @return its contents; no entries and nothing of the run if it was cut off in the first line
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
            new StrictJson.Dialect(
                file.toString(),
                "the journal",
                Reason.METADATA,
                Reason.METADATA,
                ReadLimits.DEFAULT.maxDepth(),
                false));
    if (json instanceof JsonValue.Obj object) {
      return object;
    }
    throw new ModelFormatException(Reason.METADATA, file.toString(), "", "a line is no object.");
  }

  private static Entry entry(JsonValue.Obj json, String label) {
    return new Entry(
        json.text("shard").orElse(""),
        json.text("header").orElse(""),
        Manifest.texts(json, "sources", label),
        Manifest.texts(json, "tensors", label),
        Manifest.texts(json, "remarks", label));
  }

  /**
   * Refuses to go on with a run that was another one.
   *
   * @param target the output, for the message
   * @param then what identified the interrupted run
   * @param now what identifies this one
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

  /** The members of an object, so that of a long configuration the one that differs is named. */
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

  /** An interrupted run cannot be resumed. */
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

  /** Removes the file: the directory is complete. */
  void remove(Path directory) throws IOException {
    close();
    Files.delete(directory.resolve(FILE));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
