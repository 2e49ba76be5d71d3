package dev.monoquant.files.manifest;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.Provenance;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The manifest of an output, for its verification: the hashes of all inputs and outputs, and how
 * the output was made. It holds no times and no machine names; the same run gives the same text.
 *
 * <pre>
 * {
 *   "files":   {"config.json": HASH},             // every file or record without tensors
 *   "hash":    {"inputs": KIND, "outputs": KIND}, // the kinds of all hashes but self
 *   "headers": {"model.safetensors": HASH},       // in a directory: shards, up to their data
 *   "inputs":  {"model.safetensors": HASH},       // every file that was read, side files too
 *   "made":    {"monoquant.tool": "...", ...},    // in a directory: versions and configuration
 *   "self":    SHA,                               // of what holds this text, see below
 *   "tensors": {"fc.weight_packed": HASH},        // as stored
 *   "version": 2,
 *   "weights": {"fc.weight": {"bits": 4, ...}}    // in a directory: the resolved options
 * }
 * </pre>
 *
 * <p>KIND is the {@link HashKind#wire} of a {@link HashKind}; a manifest of version 1 has no {@code
 * hash}, and its hashes are plain SHA-256. The hash of a tensor covers its bytes in the file. SHA
 * is a SHA-256 in 64 lower-case hexadecimal digits. {@code self} covers the manifest file, or the
 * header of the single safetensors file that holds the manifest in its metadata, each with these 64
 * digits as zeros, so that the hashes cover every byte of an output. In a single safetensors file
 * the metadata holds the contents of {@code made} and {@code weights} beside the manifest.
 *
 * <p>In a TorchScript archive {@code tensors} are the records of its storages, and {@code files}
 * are all other records except the manifest, inflated. {@code self} covers all bytes that are in no
 * record or in a compressed record, followed by the manifest; the checksum of its record counts as
 * zero.
 *
 * @param self the SHA-256 of the bytes that hold the manifest
 * @param kinds the kinds of all other hashes
 * @param inputs hashes of the input files by name
 * @param tensors hashes of the stored tensors by name
 * @param headers hashes of the shards' headers by file name
 * @param files hashes of other files by name
 * @param made how the output was made, as free texts
 * @param weights the resolved options of each quantized weight
 */
public record Manifest(
    String self,
    Kinds kinds,
    SortedMap<String, String> inputs,
    SortedMap<String, String> tensors,
    SortedMap<String, String> headers,
    SortedMap<String, String> files,
    SortedMap<String, String> made,
    Map<String, JsonValue> weights) {

  /** The file name of the manifest of a directory. */
  public static final String FILE = "monoquant-manifest.json";

  /** The metadata key of the manifest of a single file. */
  public static final String KEY = "monoquant.manifest";

  private static final long VERSION = 2;

  /** The version whose hashes are plain SHA-256. */
  private static final long PLAIN_VERSION = 1;

  private static final String HASH = "hash";

  private static final String UNKNOWN = HashKind.SHA256.unknown();

  /** The maximum size in bytes, equal to that of a safetensors header. */
  public static final long MOST_BYTES = 100_000_000;

  /**
   * The kinds of the hashes in a manifest.
   *
   * @param inputs the kind of the hashes of inputs
   * @param outputs the kind of the hashes of tensors, headers and other files
   */
  public record Kinds(HashKind inputs, HashKind outputs) {

    /**
     * {@return the kinds in the manifest of an output}
     *
     * @param contents the contents of the output
     */
    public static Kinds of(OutputContents contents) {
      return new Kinds(HashKind.ofInputs(contents), HashKind.ofOutputs(contents));
    }
  }

  /**
   * {@return a manifest of a single file, with every hash unknown}
   *
   * @param kinds the kinds of its hashes
   * @param inputs the names of the inputs
   * @param tensors the names of the stored tensors
   */
  public static Manifest unknown(
      Kinds kinds, Collection<String> inputs, Collection<String> tensors) {
    SortedMap<String, String> in = sorted();
    inputs.forEach(name -> in.put(name, kinds.inputs().unknown()));
    SortedMap<String, String> out = sorted();
    tensors.forEach(name -> out.put(name, kinds.outputs().unknown()));
    return of(kinds, in, out);
  }

  /**
   * {@return a manifest of a single file, with {@link #self} unknown}
   *
   * @param kinds the kinds of the hashes
   * @param inputs hashes of the input files by name
   * @param tensors hashes of the stored tensors by name
   */
  public static Manifest of(
      Kinds kinds, SortedMap<String, String> inputs, SortedMap<String, String> tensors) {
    return new Manifest(UNKNOWN, kinds, inputs, tensors, sorted(), sorted(), sorted(), Map.of());
  }

  /**
   * {@return an empty map with the key order of a manifest}
   *
   * @param <V> the values
   */
  public static <V> SortedMap<String, V> sorted() {
    return new TreeMap<>(JsonText.BY_CODE_POINT);
  }

  /**
   * {@return the same manifest with another {@link #self}}
   *
   * @param hash the hash
   */
  public Manifest withSelf(String hash) {
    return new Manifest(hash, kinds, inputs, tensors, headers, files, made, weights);
  }

  /**
   * {@return the entry of a quantized weight in a manifest}
   *
   * @param weight the weight
   */
  public static JsonValue describe(EncodedWeight weight) {
    Map<String, JsonValue> json = sorted();
    json.putAll(WeightJson.common(weight.options()));
    json.put("scheme", JsonValue.of(weight.scheme().toString()));
    json.put("options", object(weight.options().own()));
    return new JsonValue.Obj(json);
  }

  /** {@return the text without white space, for metadata} */
  public String toText() {
    StringBuilder text = new StringBuilder();
    pieces().forEach(text::append);
    return text.toString();
  }

  /** {@return the text of {@link #toText} in pieces} */
  public TextPieces pieces() {
    return JsonText.compactObject(this::write);
  }

  /** {@return the text of a manifest file, with {@link #self} computed} */
  TextPieces toFile() {
    Sha256 hash = new Sha256();
    withSelf(UNKNOWN).file().forEachUtf8(bytes -> hash.add(ByteBuffer.wrap(bytes)));
    return withSelf(hash.hex()).file();
  }

  private TextPieces file() {
    return JsonText.prettyObject(this::write);
  }

  /** Writes the members in the order of their keys. */
  private void write(JsonText.Members json) {
    write(
        json,
        members -> tensors.forEach(members::text),
        members -> {
          SortedMap<String, JsonValue> all = sorted();
          all.putAll(weights);
          all.forEach(members::value);
        });
  }

  private void write(
      JsonText.Members json,
      Consumer<JsonText.Members> tensors,
      Consumer<JsonText.Members> weights) {
    boolean several = !headers.isEmpty() || !files.isEmpty();
    if (several) {
      texts(json, "files", files);
    }
    json.object(
        HASH,
        kind -> {
          kind.text("inputs", kinds.inputs().wire());
          kind.text("outputs", kinds.outputs().wire());
        });
    if (!headers.isEmpty()) {
      texts(json, "headers", headers);
    }
    texts(json, "inputs", inputs);
    if (several) {
      texts(json, "made", made);
    }
    json.text("self", self);
    json.object("tensors", tensors);
    json.value("version", JsonValue.Num.of(VERSION));
    if (several) {
      json.object("weights", weights);
    }
  }

  private static void texts(JsonText.Members json, String key, SortedMap<String, String> texts) {
    json.object(key, object -> texts.forEach(object::text));
  }

  /**
   * {@return the size in bytes of the manifest of a directory, which does not depend on the hashes
   * in it}
   *
   * @param contents the contents of the output
   * @param inputs the names of the input files
   * @param files the names of the files without tensors
   * @param shards the names of the files of tensors
   * @param tensors the names of the stored tensors, in any order
   */
  public static long size(
      OutputContents contents,
      Collection<String> inputs,
      Collection<String> files,
      Collection<String> shards,
      Stream<String> tensors) {
    Kinds kinds = Kinds.of(contents);
    SortedMap<String, String> headers = sorted();
    shards.forEach(name -> headers.put(name, kinds.outputs().unknown()));
    SortedMap<String, String> others = sorted();
    files.forEach(name -> others.put(name, kinds.outputs().unknown()));
    Manifest unknown = unknown(kinds, inputs, List.of());
    Manifest whole =
        new Manifest(
            UNKNOWN,
            kinds,
            unknown.inputs(),
            sorted(),
            headers,
            others,
            ProvenanceText.of(contents),
            Map.of());
    Descriptions known = new Descriptions();
    // The order of the members does not matter for their size.
    return JsonText.prettyObject(
            json ->
                whole.write(
                    json,
                    members ->
                        tensors.forEach(name -> members.text(name, kinds.outputs().unknown())),
                    members ->
                        contents
                            .weights()
                            .forEach(weight -> members.value(weight.name(), known.of(weight)))))
        .utf8Length();
  }

  /** The entries of weights, made once for those that have the same options. */
  private static final class Descriptions {

    private final Map<List<Object>, JsonValue> known = new HashMap<>();

    JsonValue of(EncodedWeight weight) {
      List<Object> options = List.of(weight.scheme(), weight.options());
      return known.computeIfAbsent(options, o -> describe(weight));
    }
  }

  private static JsonValue object(Map<String, String> texts) {
    Map<String, JsonValue> json = sorted();
    texts.forEach((key, value) -> json.put(key, JsonValue.of(value)));
    return new JsonValue.Obj(json);
  }

  /**
   * {@return the hash of bytes that hold this manifest, with the digits of {@link #self} as zeros}
   * A text of more digits than a hash has is that of no hash, and stays as it is: to look for a
   * long one takes its length times that of the holder.
   *
   * @param holder the manifest file, or a safetensors header, from index 0 on
   */
  public String hashOf(ByteBuffer holder) {
    byte[] digits = self.getBytes(StandardCharsets.US_ASCII);
    byte[] zeros = "0".repeat(digits.length).getBytes(StandardCharsets.US_ASCII);
    ByteBuffer wanted = ByteBuffer.wrap(digits);
    Sha256 hash = new Sha256();
    boolean isHash = digits.length > 0 && digits.length <= UNKNOWN.length();
    int hashed = 0;
    for (int at = 0; at + digits.length <= holder.limit(); at++) {
      if (isHash
          && holder.get(at) == digits[0]
          && holder.get(at + digits.length - 1) == digits[digits.length - 1]
          && holder.slice(at, digits.length).equals(wanted)) {
        if (at > hashed) {
          hash.add(holder.slice(hashed, at - hashed));
        }
        hash.add(ByteBuffer.wrap(zeros, 0, Math.min(digits.length, at + digits.length - hashed)));
        hashed = at + digits.length;
      }
    }
    return hash.add(holder.slice(hashed, holder.limit() - hashed)).hex();
  }

  /**
   * Reads a manifest.
   *
   * @param bytes JSON in UTF-8
   * @param label the location of the manifest, for messages
   * @return the manifest
   * @throws ModelFormatException if it is not a manifest, or has another version
   */
  public static Manifest parse(byte[] bytes, String label) {
    JsonValue json =
        StrictJson.parse(ByteBuffer.wrap(bytes), JsonDialect.own(label, "the manifest"));
    if (!(json instanceof JsonValue.Obj all)) {
      throw fault(label, "is " + json.kind() + ", not an object");
    }
    long version =
        all.find("version")
            .flatMap(v -> v instanceof JsonValue.Num n ? n.count() : Optional.empty())
            .orElse(0L);
    if (version != VERSION && version != PLAIN_VERSION) {
      throw fault(label, "is not of version " + PLAIN_VERSION + " or " + VERSION);
    }
    HashKind plain = HashKind.SHA256;
    Kinds kinds =
        version == PLAIN_VERSION
            ? new Kinds(plain, plain)
            : new Kinds(kind(all, "inputs", label), kind(all, "outputs", label));
    Map<String, JsonValue> weights =
        all.find("weights").orElse(null) instanceof JsonValue.Obj o ? o.members() : Map.of();
    return new Manifest(
        all.text("self").orElseThrow(() -> fault(label, "has no \"self\"")),
        kinds,
        texts(all, "inputs", label),
        texts(all, "tensors", label),
        texts(all, "headers", label),
        texts(all, "files", label),
        texts(all, "made", label),
        new LinkedHashMap<>(weights));
  }

  private static HashKind kind(JsonValue.Obj all, String of, String label) {
    return Optional.ofNullable(texts(all, HASH, label).get(of))
        .flatMap(HashKind::parse)
        .orElseThrow(
            () -> fault(label, "names no kind of hash that this version knows for its " + of));
  }

  /** Reads an object of texts within an object. */
  public static SortedMap<String, String> texts(JsonValue.Obj all, String key, String label) {
    SortedMap<String, String> texts = sorted();
    if (all.find(key).isPresent()) {
      if (!(all.find(key).get() instanceof JsonValue.Obj object)) {
        throw fault(label, "has \"" + key + "\" that is no object");
      }
      for (Map.Entry<String, JsonValue> member : object.members().entrySet()) {
        if (!(member.getValue() instanceof JsonValue.Str text)) {
          throw fault(label, "has a value under \"" + key + "\" that is no text");
        }
        texts.put(member.getKey(), text.value());
      }
    }
    return texts;
  }

  private static ModelFormatException fault(String label, String what) {
    return new ModelFormatException(
        Reason.METADATA,
        label,
        "",
        "the manifest " + what + ". The output was changed; make it anew.");
  }

  /**
   * {@return the names of the inputs in a manifest}
   *
   * @param contents the contents of the output
   * @param files the files of its source
   */
  public static List<String> inputNames(OutputContents contents, List<Path> files) {
    return contents
        .provenance()
        .flatMap(Provenance::inputs)
        .map(known -> List.copyOf(known.keySet()))
        .orElseGet(() -> InputHashes.names(files));
  }

  /** Collects the manifest of a directory. Not thread-safe. */
  public static final class Builder {

    private final SortedMap<String, String> tensors = sorted();
    private final SortedMap<String, String> headers = sorted();
    private final SortedMap<String, String> made = sorted();
    private final SortedMap<String, JsonValue> weights = sorted();
    private final Kinds kinds;

    /**
     * Makes a builder.
     *
     * @param contents the contents of the output
     */
    public Builder(OutputContents contents) {
      kinds = Kinds.of(contents);
      made.putAll(ProvenanceText.of(contents));
      Descriptions known = new Descriptions();
      contents.weights().forEach(weight -> weights.put(weight.name(), known.of(weight)));
    }

    /**
     * Adds a tensor file.
     *
     * @param name its name in the directory
     * @param header the hash of the bytes before its data
     */
    public void shard(String name, String header) {
      headers.put(name, header);
    }

    /**
     * Adds a stored tensor.
     *
     * @param name its name
     * @param hash the hash of its bytes
     */
    public void tensor(String name, String hash) {
      tensors.put(name, hash);
    }

    /**
     * {@return the text of the manifest file}
     *
     * @param inputs hashes of the input files by name
     * @param files hashes of the files without tensors by name
     */
    public TextPieces build(SortedMap<String, String> inputs, SortedMap<String, String> files) {
      return new Manifest(UNKNOWN, kinds, inputs, tensors, headers, files, made, weights).toFile();
    }
  }
}
