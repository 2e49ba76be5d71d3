package dev.monoquant.io.files;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A {@code *.safetensors.index.json}: which shard holds which tensor. Shard names are checked as
 * text, the same on every system, before any of them is opened.
 *
 * @param file the index for messages
 * @param shardOf the shard of each tensor by name, in the order of the index
 * @param totalSize bytes of all tensors as the index says, if it does
 */
record ShardIndex(String file, Map<String, String> shardOf, Optional<String> totalSize) {

  static final String SUFFIX = ".safetensors.index.json";

  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);

  /**
   * Reads an index.
   *
   * @param path the index
   * @param file its name for messages
   * @param limits how much to believe
   */
  static ShardIndex read(Path path, String file, ReadLimits limits) throws IOException {
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
    for (Map.Entry<String, JsonValue> member : weightMap.members().entrySet()) {
      String where = "tensor " + quote(member.getKey());
      if (!(member.getValue() instanceof JsonValue.Str shard)) {
        throw new ModelFormatException(
            Reason.INDEX_JSON,
            file,
            where,
            "its shard is "
                + member.getValue().kind()
                + ", not the name of a file. Fetch the index again.");
      }
      refuseOddPath(path, file, where, shard.value());
      shardOf.put(member.getKey(), shard.value());
    }
    int shards = new LinkedHashSet<>(shardOf.values()).size();
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
  Set<String> shards() {
    return new LinkedHashSet<>(shardOf.values());
  }

  private static void refuseOddPath(Path index, String file, String where, String shard) {
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
    } else if (!shard.endsWith(".safetensors")) {
      fault = "does not end in .safetensors, as the index does";
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
          where,
          "the shard name "
              // Backslashes are the very point here, so they are shown as they stand.
              + quote(shard).replace("\\\\", "\\")
              + " "
              + fault
              + "; a shard is a .safetensors file beside the index. Fetch the index again.");
    }
  }
}
