package dev.monoquant.io.safetensors;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.io.files.JsonText;
import dev.monoquant.io.files.JsonValue;
import dev.monoquant.io.files.SafetensorsFile;
import dev.monoquant.io.files.StoredTensor;
import dev.monoquant.io.files.StrictJson;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.Rows;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The text under {@code monoquant.weights} in the metadata of our own files: compact JSON, keys
 * sorted, an object with an entry for each quantized weight:
 *
 * <pre>
 * {"fc.weight":{
 *   "dtype":"F32","kind":"Linear","layer":"fc",
 *   "options":{"bits":4,"extra":{},"granularity":"group:32","profile":"torch","symmetric":true},
 *   "param":"weight",
 *   "parts":[{"cell":[1,1],"name":"codes","type":"I4"},{"cell":[1,32],"name":"scale","type":"F32"}],
 *   "row_axis":0,"scheme":"int4@1","shape":[64,256]}}
 * </pre>
 *
 * <p>{@code cell} is rows and columns of a cell, {@code "all"} for all columns, and the number of
 * cells there if it is not 1; a part that is not tiled has {@code "whole":[dims]} instead. The text
 * is as untrusted as the header: every field must be there, no other may be, and every part must be
 * a tensor of exactly the type and shape it implies.
 */
final class SelfDescription {

  static final String PREFIX = "monoquant.";
  static final String VERSION_KEY = PREFIX + "version";
  static final String WEIGHTS_KEY = PREFIX + "weights";
  static final String VERSION = "1";

  private static final String ALL = "all";

  private SelfDescription() {}

  static String write(List<EncodedWeight> weights) {
    Map<String, JsonValue> all = new TreeMap<>(JsonText.BY_CODE_POINT);
    weights.forEach(w -> all.put(w.name(), weight(w)));
    return JsonText.compact(new JsonValue.Obj(all));
  }

  private static JsonValue weight(EncodedWeight weight) {
    Rows rows = weight.rows();
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("dtype", JsonValue.of(rows.tensor().type().wire()));
    json.put("shape", dims(rows.tensor().shape()));
    json.put("row_axis", JsonValue.Num.of(rows.rowAxis()));
    json.put("layer", JsonValue.of(rows.layer()));
    json.put("kind", JsonValue.of(rows.kind().name()));
    json.put("param", JsonValue.of(rows.param()));
    json.put("scheme", JsonValue.of(weight.scheme().toString()));
    json.put("options", options(weight.options()));
    json.put(
        "parts",
        new JsonValue.Arr(weight.encoding().parts().stream().map(SelfDescription::part).toList()));
    return new JsonValue.Obj(json);
  }

  private static JsonValue options(Options options) {
    Map<String, JsonValue> extra = new TreeMap<>(JsonText.BY_CODE_POINT);
    options.extra().forEach((k, v) -> extra.put(k, JsonValue.of(v)));
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("bits", JsonValue.Num.of(options.bits()));
    json.put("symmetric", JsonValue.of(options.symmetric()));
    json.put("granularity", JsonValue.of(options.granularity().wire()));
    json.put("profile", JsonValue.of(options.profile()));
    json.put("extra", new JsonValue.Obj(extra));
    return new JsonValue.Obj(json);
  }

  private static JsonValue part(Part part) {
    Map<String, JsonValue> json = new TreeMap<>();
    json.put("name", JsonValue.of(part.name()));
    json.put("type", JsonValue.of(part.type().wire()));
    if (part.extent() instanceof Part.Grid grid) {
      JsonValue cols =
          grid.colsPerCell() == Part.Grid.ALL
              ? JsonValue.of(ALL)
              : JsonValue.Num.of(grid.colsPerCell());
      List<JsonValue> cell = new ArrayList<>(List.of(JsonValue.Num.of(grid.rowsPerCell()), cols));
      if (grid.width() != 1) {
        cell.add(JsonValue.Num.of(grid.width()));
      }
      json.put("cell", new JsonValue.Arr(cell));
    } else {
      json.put("whole", dims(((Part.Whole) part.extent()).own()));
    }
    return new JsonValue.Obj(json);
  }

  private static JsonValue dims(TensorShape shape) {
    List<JsonValue> dims = new ArrayList<>();
    for (long dim : shape.dims()) {
      dims.add(JsonValue.Num.of(dim));
    }
    return new JsonValue.Arr(dims);
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param file the file with the text in its metadata and the parts among its tensors
   * @param shard what {@link TensorInfo#shard()} is to say
   * @param limits how much to believe
   * @return the weights in the order of the text; empty if the file does not describe any
   */
  static List<EncodedWeight> read(SafetensorsFile file, String shard, ReadLimits limits) {
    String text = file.metadata().get(WEIGHTS_KEY);
    if (text == null) {
      return List.of();
    }
    String version = file.metadata().getOrDefault(VERSION_KEY, "");
    if (!version.equals(VERSION)) {
      throw new ModelFormatException(
          Reason.VERSION,
          file.label(),
          quote(VERSION_KEY),
          "is "
              + quote(version)
              + ", this program reads "
              + VERSION
              + ". Use a newer version of it.");
    }
    return new Reader(file, shard).weights(text, limits);
  }

  private record Reader(SafetensorsFile file, String shard) {

    List<EncodedWeight> weights(String text, ReadLimits limits) {
      JsonValue json =
          StrictJson.parse(
              ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)),
              new StrictJson.Dialect(
                  file.label(),
                  "the text under " + WEIGHTS_KEY,
                  Reason.METADATA,
                  Reason.METADATA,
                  limits.maxDepth(),
                  false));
      if (!(json instanceof JsonValue.Obj all)) {
        throw fault(quote(WEIGHTS_KEY), "is " + json.kind() + ", not an object");
      }
      List<EncodedWeight> weights = new ArrayList<>();
      Map<String, String> owner = new HashMap<>();
      for (Map.Entry<String, JsonValue> member : all.members().entrySet()) {
        EncodedWeight weight = weight(member.getKey(), member.getValue());
        String where = where(weight.name());
        for (PartStorage part : PartStorage.of(weight)) {
          String other = owner.putIfAbsent(part.tensor().name(), weight.name());
          if (other != null) {
            throw fault(
                where, "shares tensor " + quote(part.tensor().name()) + " with " + quote(other));
          }
        }
        weights.add(weight);
      }
      return weights;
    }

    private EncodedWeight weight(String name, JsonValue json) {
      String where = where(name);
      Fields fields =
          new Fields(
              where,
              json,
              Set.of(
                  "dtype",
                  "shape",
                  "row_axis",
                  "layer",
                  "kind",
                  "param",
                  "scheme",
                  "options",
                  "parts"));
      try {
        TensorInfo tensor =
            new TensorInfo(
                name, ElementType.of(fields.text("dtype")), fields.shape("shape"), shard);
        // Throws if the size leaves 63 bits; a name is no place to find that out later.
        tensor.bytes();
        Rows rows =
            new Rows(
                fields.text("layer"),
                new LayerKind(fields.text("kind")),
                fields.text("param"),
                tensor,
                fields.count("row_axis"));
        if (!tensor.type().isQuantizable()) {
          throw fault(where, "dtype " + quote(tensor.type().wire()) + " is no float type");
        }
        EncodedWeight weight =
            new EncodedWeight(
                rows,
                SchemeId.parse(fields.text("scheme")),
                options(where, fields.get("options")),
                new Encoding(parts(where, fields)));
        // Both throw where sizes leave their type; later nobody expects that.
        weight.encoding().rowAlignment();
        PartStorage.of(weight).forEach(part -> requireTensor(where, part));
        return weight;
      } catch (ModelFormatException e) {
        throw e;
      } catch (QuantException | IllegalArgumentException | ArithmeticException e) {
        throw new ModelFormatException(
            Reason.METADATA,
            file.label(),
            where,
            quote(String.valueOf(e.getMessage())) + "." + ADVICE,
            e);
      }
    }

    private Options options(String where, JsonValue json) {
      Fields fields =
          new Fields(where, json, Set.of("bits", "symmetric", "granularity", "profile", "extra"));
      Map<String, String> extra = new LinkedHashMap<>();
      if (!(fields.get("extra") instanceof JsonValue.Obj texts)) {
        throw fault(where, "extra is no object");
      }
      texts
          .members()
          .forEach(
              (key, value) -> {
                if (!(value instanceof JsonValue.Str text)) {
                  throw fault(where, "option " + quote(key) + " is no text");
                }
                extra.put(key, text.value());
              });
      return new Options(
          fields.count("bits"),
          fields.flag("symmetric"),
          Granularity.parse(fields.text("granularity")),
          fields.text("profile"),
          Compute.AUTO,
          extra);
    }

    private List<Part> parts(String where, Fields fields) {
      if (!(fields.get("parts") instanceof JsonValue.Arr array)) {
        throw fault(where, "parts is no array");
      }
      List<Part> parts = new ArrayList<>();
      for (JsonValue item : array.items()) {
        boolean tiled = item instanceof JsonValue.Obj o && o.members().containsKey("cell");
        Fields part = new Fields(where, item, Set.of("name", "type", tiled ? "cell" : "whole"));
        Part.Extent extent =
            tiled ? grid(where, part.get("cell")) : new Part.Whole(part.shape("whole"));
        parts.add(new Part(part.text("name"), ElementType.of(part.text("type")), extent));
      }
      return parts;
    }

    private Part.Grid grid(String where, JsonValue json) {
      if (json instanceof JsonValue.Arr cell
          && (cell.items().size() == 2 || cell.items().size() == 3)) {
        long rows = longOf(where, "cell", cell.items().get(0));
        JsonValue cols = cell.items().get(1);
        return new Part.Grid(
            Math.toIntExact(rows),
            cols.equals(JsonValue.of(ALL)) ? Part.Grid.ALL : longOf(where, "cell", cols),
            cell.items().size() == 2
                ? 1
                : Math.toIntExact(longOf(where, "cell", cell.items().get(2))));
      }
      throw fault(where, "cell is no array of rows, columns and perhaps a width");
    }

    private void requireTensor(String where, PartStorage part) {
      TensorInfo wanted = part.tensor();
      StoredTensor found = file.find(wanted.name()).orElse(null);
      if (found == null) {
        throw fault(where, "its part " + quote(wanted.name()) + " is no tensor of the file");
      }
      if (found.type() != wanted.type() || !found.shape().equals(wanted.shape())) {
        throw fault(
            where,
            "its part "
                + quote(wanted.name())
                + " is "
                + found.type().wire()
                + " "
                + found.shape()
                + ", the description implies "
                + wanted.type().wire()
                + " "
                + wanted.shape());
      }
    }

    private long longOf(String where, String key, JsonValue json) {
      if (json instanceof JsonValue.Num number && number.count().isPresent()) {
        return number.count().get();
      }
      throw fault(where, key + " holds something that is no integer from 0 to 2^63-1");
    }

    private static String where(String name) {
      return "weight " + quote(name);
    }

    private ModelFormatException fault(String where, String detail) {
      return new ModelFormatException(
          Reason.METADATA, file.label(), where, detail + " (" + WEIGHTS_KEY + ")." + ADVICE);
    }

    /** The fields of an object: exactly these, each of its kind. */
    private final class Fields {
      private final String where;
      private final Map<String, JsonValue> members;

      Fields(String where, JsonValue json, Set<String> names) {
        this.where = where;
        if (!(json instanceof JsonValue.Obj object) || !object.members().keySet().equals(names)) {
          throw fault(where, "must be an object with exactly the fields " + new TreeSet<>(names));
        }
        this.members = object.members();
      }

      JsonValue get(String key) {
        return requireNonNull(members.get(key), key);
      }

      String text(String key) {
        if (get(key) instanceof JsonValue.Str text) {
          return text.value();
        }
        throw fault(where, key + " is " + get(key).kind() + ", not a text");
      }

      int count(String key) {
        return Math.toIntExact(longOf(where, key, get(key)));
      }

      boolean flag(String key) {
        if (get(key) == JsonValue.Literal.TRUE || get(key) == JsonValue.Literal.FALSE) {
          return get(key) == JsonValue.Literal.TRUE;
        }
        throw fault(where, key + " is " + get(key).kind() + ", not true or false");
      }

      TensorShape shape(String key) {
        if (!(get(key) instanceof JsonValue.Arr array)) {
          throw fault(where, key + " is " + get(key).kind() + ", not an array");
        }
        long[] dims = new long[array.items().size()];
        for (int i = 0; i < dims.length; i++) {
          dims[i] = longOf(where, key, array.items().get(i));
        }
        return TensorShape.of(dims);
      }
    }
  }

  private static final String ADVICE =
      " The file was changed by another program or is damaged; quantize the original again.";
}
