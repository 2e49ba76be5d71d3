package dev.monoquant.files.safetensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A {@code *.safetensors.index.json} or {@code *.bin.index.json}: which shard holds which tensor.
 * Shard names are checked as text, identically on every system, before a shard is opened; index and
 * shards must agree on every tensor.
 *
 * @param file the index, for messages
 * @param shardOf the shard of each tensor by name, in the order of the index
 * @param totalSize the size in bytes of all tensors according to the index, if stated
 */
public record ShardIndex(String file, Map<String, String> shardOf, Optional<String> totalSize) {

  /** The file name suffix of the index of a safetensors model. */
  public static final String SUFFIX = ".safetensors.index.json";

  private static final String INDEX = ".index.json";
  private static final int SHOWN = 3;

  /** The maximum number of missing shards in a message, since the user must fetch them. */
  private static final int MISSING_SHOWN = 10;

  private static final String CHOICE =
      ", or decide: --option index=shards takes what the shards hold, --option index=index what the"
          + " index names.";

  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);

  /**
   * Reads an index.
   *
   * @param path the index
   * @param file its name, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the index, with its names checked
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is not an index, or one of its names is not that of a shard
   */
  public static ShardIndex read(Path path, String file, ReadLimits limits) throws IOException {
    JsonValue json = JsonFiles.read(path, file, "the index", Reason.INDEX_JSON, false, limits);
    JsonValue map = json instanceof JsonValue.Obj o ? o.members().get("weight_map") : null;
    if (!(map instanceof JsonValue.Obj weightMap) || weightMap.members().isEmpty()) {
      throw new ModelFormatException(
          Reason.INDEX_JSON,
          file,
          "",
          "the index has no weight_map from tensor names to shard files, or an empty one. Fetch the"
              + " index again.");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    Map<String, String> checked = new HashMap<>();
    for (Map.Entry<String, JsonValue> member : weightMap.members().entrySet()) {
      if (!(member.getValue() instanceof JsonValue.Str shard)) {
        throw new ModelFormatException(
            Reason.INDEX_JSON,
            file,
            "tensor " + quote(member.getKey()),
            "its shard is "
                + member.getValue().kind()
                + ", not the name of a file. Fetch the index again.");
      }
      String name = checked.get(shard.value());
      if (name == null) {
        name = shard.value();
        refuseOddPath(path, file, member.getKey(), name);
        checked.put(name, name);
      }
      shardOf.put(member.getKey(), name);
    }
    int shards = checked.size();
    if (shards > limits.maxShards() || shardOf.size() > limits.maxTensors()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file,
          "",
          "the index names "
              + shards
              + " shards and "
              + shardOf.size()
              + " tensors, at most "
              + limits.maxShards()
              + " (limit maxShards) and "
              + limits.maxTensors()
              + " (limit maxTensors) are read.");
    }
    return new ShardIndex(file, shardOf, totalSize((JsonValue.Obj) json));
  }

  private static Optional<String> totalSize(JsonValue.Obj index) {
    return index
        .find("metadata")
        .filter(JsonValue.Obj.class::isInstance)
        .flatMap(m -> ((JsonValue.Obj) m).find("total_size"))
        .map(v -> v instanceof JsonValue.Num n ? n.text() : v.kind());
  }

  /** {@return the shards in the order in which the index first names them} */
  public Set<String> shards() {
    return new LinkedHashSet<>(shardOf.values());
  }

  /**
   * Checks that every shard exists.
   *
   * @param root the directory of the index
   * @throws IOException if it cannot be listed
   * @throws ModelFormatException if any is missing; the message names them
   */
  public void requireFiles(Path root) throws IOException {
    List<String> missing = new ArrayList<>();
    for (String shard : shards()) {
      if (!isThere(root, shard)) {
        missing.add(quote(shard));
      }
    }
    if (!missing.isEmpty()) {
      throw new ModelFormatException(
          Reason.SHARD_MISSING,
          file,
          "",
          missing.size()
              + " of "
              + shards().size()
              + " shards are not there: "
              + String.join(", ", missing.subList(0, Math.min(MISSING_SHOWN, missing.size())))
              + (missing.size() > MISSING_SHOWN ? ", ..." : "")
              + ". Upper and lower case count. Fetch them too"
              // Without any shard there is nothing to choose from.
              + (file.endsWith(SUFFIX) && missing.size() < shards().size() ? CHOICE : "."));
    }
  }

  /** Compares with the listed names, so that the check is case-sensitive on every file system. */
  private static boolean isThere(Path root, String shard) throws IOException {
    Path directory = root;
    for (String part : shard.split("/", -1)) {
      if (!Files.isDirectory(directory)) {
        return false;
      }
      try (Stream<Path> entries = Files.list(directory)) {
        if (entries.noneMatch(p -> p.getFileName().toString().equals(part))) {
          return false;
        }
      }
      directory = directory.resolve(part);
    }
    return Files.isRegularFile(directory);
  }

  /**
   * Checks that the shards hold exactly the tensors of the index. A total size that differs from
   * the sum only gives a note.
   *
   * @param sizes the bytes of each tensor by shard and name
   * @return notes for the user
   * @throws ModelFormatException if they differ
   */
  public List<String> compare(Map<String, Map<String, Long>> sizes) {
    Map<String, String> holder = new LinkedHashMap<>();
    long total = 0;
    for (Map.Entry<String, Map<String, Long>> shard : sizes.entrySet()) {
      for (Map.Entry<String, Long> tensor : shard.getValue().entrySet()) {
        total += tensor.getValue();
        String earlier = holder.putIfAbsent(tensor.getKey(), shard.getKey());
        if (earlier != null) {
          throw mismatch(
              Reason.DUPLICATE_KEY,
              tensor.getKey(),
              "is in both " + quote(earlier) + " and " + quote(shard.getKey()) + ".");
        }
      }
    }
    shardOf.forEach(
        (tensor, shard) -> {
          String found = holder.get(tensor);
          if (!shard.equals(found)) {
            throw mismatch(
                Reason.SHARD_MISMATCH,
                tensor,
                "the index places it in "
                    + quote(shard)
                    + (found == null
                        ? ", but no shard holds it."
                        : ", but it is in " + quote(found) + "."));
          }
        });
    holder.forEach(
        (tensor, shard) -> {
          if (!shardOf.containsKey(tensor)) {
            throw mismatch(
                Reason.SHARD_MISMATCH,
                tensor,
                "is in " + quote(shard) + ", but the index does not name it.");
          }
        });
    return odd(total);
  }

  /**
   * Which tensors are read, and from where.
   *
   * @param shardOf the shard of each tensor that is read
   * @param notes notes for the user
   */
  public record Chosen(Map<String, String> shardOf, List<String> notes) {
    /** Copies the collections. */
    public Chosen {
      shardOf = Map.copyOf(shardOf);
      notes = List.copyOf(notes);
    }
  }

  /**
   * {@return the tensors of the index; other tensors in the shards are ignored}
   *
   * @param sizes the bytes of each tensor by shard and name
   * @throws ModelFormatException if a tensor is not in the shard that the index names
   */
  public Chosen chosenByIndex(Map<String, Map<String, Long>> sizes) {
    Map<String, Map<String, Long>> named = new LinkedHashMap<>();
    List<String> others = new ArrayList<>();
    sizes.forEach(
        (shard, tensors) -> {
          Map<String, Long> own = new LinkedHashMap<>(tensors);
          own.keySet().removeIf(name -> !shard.equals(shardOf.get(name)));
          tensors.keySet().stream()
              .filter(name -> !own.containsKey(name))
              .forEach(name -> others.add(quote(name) + " of " + quote(shard)));
          named.put(shard, own);
        });
    List<String> notes = new ArrayList<>(compare(named));
    if (!others.isEmpty()) {
      notes.add("left out, since the index does not name them there: " + some(others));
    }
    return new Chosen(shardOf, notes);
  }

  /**
   * {@return the tensors of the shards; the index is ignored}
   *
   * @param sizes the bytes of each tensor by shard and name
   * @throws ModelFormatException if two shards hold one tensor
   */
  public Chosen chosenByShards(Map<String, Map<String, Long>> sizes) {
    Map<String, String> held = new LinkedHashMap<>();
    sizes.forEach((shard, tensors) -> tensors.keySet().forEach(t -> held.putIfAbsent(t, shard)));
    new ShardIndex(file, held, Optional.empty()).compare(sizes);
    List<String> differences = new ArrayList<>();
    held.forEach(
        (tensor, shard) -> {
          if (!shard.equals(shardOf.get(tensor))) {
            differences.add(quote(tensor) + " of " + quote(shard));
          }
        });
    List<String> notes = new ArrayList<>();
    if (!differences.isEmpty()) {
      notes.add("taken, though the index does not name them there: " + some(differences));
    }
    List<String> missing =
        shardOf.keySet().stream()
            .filter(t -> !held.containsKey(t))
            .map(QuantException::quote)
            .toList();
    if (!missing.isEmpty()) {
      notes.add("named by the index, and in no shard: " + some(missing));
    }
    return new Chosen(held, notes);
  }

  private static String some(List<String> names) {
    int more = names.size() - SHOWN;
    return String.join(", ", names.subList(0, Math.min(SHOWN, names.size())))
        + (more > 0 ? " and " + more + " more" : "");
  }

  private List<String> odd(long total) {
    String sum = Long.toString(total);
    return totalSize.filter(s -> !s.equals(sum) && !s.equals(sum + ".0")).stream()
        .map(
            said ->
                file
                    + ": total_size is "
                    + quote(said)
                    + ", the tensors have "
                    + sum
                    + " bytes; the tensors count")
        .toList();
  }

  private ModelFormatException mismatch(Reason reason, String tensor, String detail) {
    return new ModelFormatException(
        reason,
        file,
        "tensor " + quote(tensor),
        detail
            + " Index and shards belong to different versions; fetch all of them again"
            + (file.endsWith(SUFFIX) ? CHOICE : "."));
  }

  /** The suffix before {@code .index.json}, such as {@code .bin}. */
  private static String extension(Path index) {
    String name = index.getFileName().toString();
    String stem = name.endsWith(INDEX) ? name.substring(0, name.length() - INDEX.length()) : name;
    return stem.substring(Math.max(0, stem.lastIndexOf('.')));
  }

  private static void refuseOddPath(Path index, String file, String tensor, String shard) {
    String extension = extension(index);
    String fault = null;
    if (shard.isEmpty()) {
      fault = "is empty";
    } else if (shard.chars().anyMatch(c -> c < ' ')) {
      fault = "holds a control character";
    } else if (shard.indexOf('\\') >= 0
        || shard.startsWith("/")
        || DRIVE.matcher(shard).matches()) {
      fault = "is an absolute path or one of another system";
    } else if (shard.equals(index.getFileName().toString())) {
      fault = "is the index itself";
    } else if (!shard.endsWith(extension)) {
      fault = "does not end in " + extension + ", as the index does";
    } else {
      for (String part : shard.split("/", -1)) {
        if (part.isEmpty() || part.equals(".") || part.equals("..")) {
          fault = "leaves the directory of the index or is no plain path";
        }
      }
    }
    if (fault == null && Files.isDirectory(index.resolveSibling(shard))) {
      fault = "is a directory";
    }
    if (fault != null) {
      throw new ModelFormatException(
          Reason.SHARD_PATH,
          file,
          "tensor " + quote(tensor),
          "the shard name "
              // Backslashes cause this fault, so the message shows them unescaped.
              + quote(shard).replace("\\\\", "\\")
              + " "
              + fault
              + "; a shard is a "
              + extension
              + " file beside the index. Fetch the index again.");
    }
  }
}
