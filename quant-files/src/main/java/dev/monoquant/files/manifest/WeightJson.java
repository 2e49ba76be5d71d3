package dev.monoquant.files.manifest;

import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantException;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A quantized weight as JSON, without the location of its bytes:
 *
 * <pre>
 * {"dtype":"F32","kind":"Linear","layer":"fc",
 *  "options":{"bits":4,"extra":{},"granularity":"group:32","profile":"torch","symmetric":true},
 *  "param":"weight",
 *  "parts":[{"cell":[1,1],"name":"codes","type":"I4"},{"cell":[1,32],"name":"scale","type":"F32"}],
 *  "row_axis":0,"scheme":"int4@1","shape":[64,256]}
 * </pre>
 *
 * <p>{@code cell} is rows and columns of a cell, {@code "all"} for all columns, and the number of
 * cells there if it is not 1; a part that is not tiled has {@code "whole":[dims]} instead. A {@code
 * formula} is there unless the names of the parts say it all, see {@link Encoding#conventional}:
 *
 * <pre>
 *  "formula":{"codes":"codes","kind":"affine","scales":["scale","/global_scale"],"zero_point":""}
 *  "formula":{"codes":"codes","kind":"lookup","scales":[],"table":"levels"}
 *  "formula":{"kind":"cast","values":"numbers"}        "formula":{"kind":"opaque"}
 * </pre>
 *
 * <p>A factor that the scale is divided by has a slash before its name. An affine formula has
 * {@code minimums} like {@code scales}, {@code group_index} like {@code zero_point}, and {@code
 * arithmetic}, a type, only if it uses them. Input is untrusted: exactly these other fields must be
 * present. A common option is left out if the scheme does not declare it; {@code extra} holds the
 * scheme's own options.
 */
public final class WeightJson {

  private static final String ALL = "all";
  private static final String FORMULA = "formula";
  private static final String OVER = "/";
  private static final String MINIMUMS = "minimums";
  private static final String GROUP_INDEX = "group_index";
  private static final String ARITHMETIC = "arithmetic";

  private static final Set<String> FIELDS =
      Set.of("dtype", "shape", "row_axis", "layer", "kind", "param", "scheme", "options", "parts");

  private WeightJson() {}

  /**
   * {@return the fields of a weight, sorted; more may be added}
   *
   * @param weight the weight
   */
  public static Map<String, JsonValue> write(EncodedWeight weight) {
    WeightMatrix rows = weight.matrix();
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
        new JsonValue.Arr(weight.encoding().parts().stream().map(WeightJson::part).toList()));
    if (!weight.encoding().equals(Encoding.conventional(weight.encoding().parts()))) {
      json.put(FORMULA, formula(weight.encoding().formula()));
    }
    return json;
  }

  private static JsonValue formula(Formula formula) {
    Map<String, JsonValue> json = new TreeMap<>();
    if (formula instanceof Formula.Cast cast) {
      json.put("kind", JsonValue.of("cast"));
      json.put("values", JsonValue.of(cast.values()));
    } else if (formula instanceof Formula.Affine affine) {
      json.put("kind", JsonValue.of("affine"));
      json.put("codes", JsonValue.of(affine.codes()));
      json.put("scales", factors(affine.scales()));
      json.put("zero_point", JsonValue.of(affine.zeroPoint().orElse("")));
      if (!affine.minimums().isEmpty()) {
        json.put(MINIMUMS, factors(affine.minimums()));
      }
      affine.groupIndex().ifPresent(name -> json.put(GROUP_INDEX, JsonValue.of(name)));
      if (affine.arithmetic() != ElementType.FLOAT32) {
        json.put(ARITHMETIC, JsonValue.of(affine.arithmetic().wire()));
      }
    } else if (formula instanceof Formula.Lookup lookup) {
      json.put("kind", JsonValue.of("lookup"));
      json.put("codes", JsonValue.of(lookup.codes()));
      json.put("table", JsonValue.of(lookup.table()));
      json.put("scales", factors(lookup.scales()));
    } else if (formula instanceof Formula.Divided divided) {
      json.put("kind", JsonValue.of("divided"));
      json.put("of", formula(divided.inner()));
      json.put("factors", JsonValue.of(divided.factors()));
    } else {
      json.put("kind", JsonValue.of("opaque"));
    }
    return new JsonValue.Obj(json);
  }

  private static JsonValue factors(List<Formula.Factor> factors) {
    return new JsonValue.Arr(
        factors.stream().map(f -> JsonValue.of(f.divides() ? OVER + f.part() : f.part())).toList());
  }

  /**
   * {@return the common options that are set, by name, each in its type, sorted; more may be added}
   *
   * @param options the resolved options of a scheme
   */
  public static Map<String, JsonValue> common(OptionValues options) {
    Map<String, JsonValue> json = new TreeMap<>();
    options.find(CommonOptions.BITS).ifPresent(v -> json.put("bits", JsonValue.Num.of(v)));
    options.find(CommonOptions.SYMMETRIC).ifPresent(v -> json.put("symmetric", JsonValue.of(v)));
    options
        .find(CommonOptions.GRANULARITY)
        .ifPresent(v -> json.put("granularity", JsonValue.of(v.wire())));
    options.find(CommonOptions.PROFILE).ifPresent(v -> json.put("profile", JsonValue.of(v)));
    return json;
  }

  private static JsonValue options(OptionValues options) {
    Map<String, JsonValue> json = common(options);
    json.put("extra", texts(options.own()));
    return new JsonValue.Obj(json);
  }

  /**
   * {@return an object of texts, sorted by key}
   *
   * @param texts the texts
   */
  public static JsonValue texts(Map<String, String> texts) {
    Map<String, JsonValue> json = new TreeMap<>(JsonText.BY_CODE_POINT);
    texts.forEach((k, v) -> json.put(k, JsonValue.of(v)));
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

  /**
   * {@return an array of dimensions}
   *
   * @param shape the dimensions
   */
  public static JsonValue dims(TensorShape shape) {
    List<JsonValue> dims = new ArrayList<>();
    for (long dim : shape.dims()) {
      dims.add(JsonValue.Num.of(dim));
    }
    return new JsonValue.Arr(dims);
  }

  /** Handles the fields that {@link #write} does not write; may throw any runtime exception. */
  @FunctionalInterface
  public interface More {
    /**
     * Completes a weight.
     *
     * @param weight the weight without these fields
     * @param fields all fields
     * @return the complete weight
     */
    EncodedWeight complete(EncodedWeight weight, JsonFields fields);
  }

  /**
   * What the weight before had: most weights of a file share their options and parts, which are
   * read once as long as their JSON is the same object. Not thread-safe.
   */
  public static final class Before {

    private @Nullable JsonValue options;
    private @Nullable OptionValues values;
    private @Nullable JsonValue parts;
    private @Nullable Encoding encoding;

    /** Makes a reader's memory, at first of nothing. */
    public Before() {}

    private OptionValues options(String where, JsonValue json, JsonFields.Fault fault) {
      if (values == null || options != json) {
        values = readOptions(where, json, fault);
        options = json;
      }
      return values;
    }

    private Encoding encoding(JsonFields fields, boolean stated, JsonFields.Fault fault) {
      if (stated) {
        return WeightJson.encoding(fields, true, fault);
      }
      if (encoding == null || parts != fields.get("parts")) {
        encoding = WeightJson.encoding(fields, false, fault);
        parts = fields.get("parts");
      }
      return encoding;
    }
  }

  /**
   * Reads the output of {@link #write}.
   *
   * @param name the name of the weight
   * @param json its description
   * @param shard the value of {@link TensorInfo#shard()}
   * @param fault makes the exceptions
   * @param added the names of the added fields
   * @param more handles the added fields
   * @return the weight
   * @throws ModelFormatException if it differs from the output of {@link #write}
   */
  public static EncodedWeight read(
      String name,
      JsonValue json,
      String shard,
      JsonFields.Fault fault,
      Set<String> added,
      More more) {
    return read(name, json, shard, fault, added, more, new Before());
  }

  /**
   * Reads the output of {@link #write}, one weight of many.
   *
   * @param name the name of the weight
   * @param json its description
   * @param shard the value of {@link TensorInfo#shard()}
   * @param fault makes the exceptions
   * @param added the names of the added fields
   * @param more handles the added fields
   * @param before what the weight read before had
   * @return the weight
   * @throws ModelFormatException if it differs from the output of {@link #write}
   */
  public static EncodedWeight read(
      String name,
      JsonValue json,
      String shard,
      JsonFields.Fault fault,
      Set<String> added,
      More more,
      Before before) {
    String where = where(name);
    boolean formula = json instanceof JsonValue.Obj object && object.members().containsKey(FORMULA);
    Set<String> names = FIELDS;
    if (formula || !added.isEmpty()) {
      names = new HashSet<>(FIELDS);
      names.addAll(added);
      if (formula) {
        names.add(FORMULA);
      }
    }
    JsonFields fields = new JsonFields(fault, where, json, names);
    try {
      TensorInfo tensor =
          new TensorInfo(name, ElementType.of(fields.text("dtype")), fields.shape("shape"), shard);
      // Throws if the size exceeds 63 bits, because later code does not check this.
      tensor.bytes();
      WeightMatrix rows =
          new WeightMatrix(
              fields.text("layer"),
              new LayerKind(fields.text("kind")),
              fields.text("param"),
              tensor,
              fields.count("row_axis"));
      if (!tensor.type().isQuantizable()) {
        throw fault.of(
            where, "dtype " + QuantException.quote(tensor.type().wire()) + " is no float type");
      }
      EncodedWeight weight =
          new EncodedWeight(
              rows,
              SchemeId.parse(fields.text("scheme")),
              before.options(where, fields.get("options"), fault),
              before.encoding(fields, formula, fault));
      // Throws if a size overflows, because later code does not check this.
      weight.encoding().rowAlignment();
      return more.complete(weight, fields);
    } catch (ModelFormatException e) {
      throw e;
    } catch (QuantException | IllegalArgumentException | ArithmeticException e) {
      throw fault.of(where, e);
    }
  }

  /**
   * {@return the description of a weight for messages}
   *
   * @param name its name
   */
  public static String where(String name) {
    return "weight " + QuantException.quote(name);
  }

  private static OptionValues readOptions(String where, JsonValue json, JsonFields.Fault fault) {
    Set<String> common = new HashSet<>(CommonOptions.NAMES);
    if (json instanceof JsonValue.Obj object) {
      common.retainAll(object.members().keySet());
    }
    Set<String> names = new HashSet<>(common);
    names.add("extra");
    JsonFields fields = new JsonFields(fault, where, json, names);
    Map<String, String> texts = new TreeMap<>(fields.texts("extra"));
    if (!Collections.disjoint(texts.keySet(), CommonOptions.NAMES)) {
      throw fault.of(where, "extra holds one of " + new TreeSet<>(CommonOptions.NAMES));
    }
    for (String name : common) {
      texts.put(
          name,
          switch (name) {
            case "bits" -> CommonOptions.BITS.canonical(String.valueOf(fields.number(name)));
            case "symmetric" -> String.valueOf(fields.flag(name));
            case "granularity" -> CommonOptions.GRANULARITY.canonical(fields.text(name));
            default -> CommonOptions.PROFILE.canonical(fields.text(name));
          });
    }
    return new OptionValues(texts);
  }

  private static Encoding encoding(JsonFields fields, boolean stated, JsonFields.Fault fault) {
    List<Part> parts = parts(fields, fault);
    return stated
        ? new Encoding(parts, readFormula(fields.where(), fields.get(FORMULA), fault))
        : Encoding.conventional(parts);
  }

  private static Formula readFormula(String where, JsonValue json, JsonFields.Fault fault) {
    if (!(json instanceof JsonValue.Obj object)) {
      throw fault.of(where, "formula is no object");
    }
    String kind =
        object.members().get("kind") instanceof JsonValue.Str text ? text.value() : "none";
    return switch (kind) {
      case "cast" ->
          new Formula.Cast(
              new JsonFields(fault, where, json, Set.of("kind", "values")).text("values"));
      case "affine" -> {
        Set<String> names = new HashSet<>(List.of(MINIMUMS, GROUP_INDEX, ARITHMETIC));
        names.retainAll(object.members().keySet());
        boolean minimums = names.contains(MINIMUMS);
        boolean index = names.contains(GROUP_INDEX);
        boolean arithmetic = names.contains(ARITHMETIC);
        names.addAll(List.of("kind", "codes", "scales", "zero_point"));
        JsonFields fields = new JsonFields(fault, where, json, names);
        yield new Formula.Affine(
            fields.text("codes"),
            readFactors(fields, "scales", fault),
            Optional.of(fields.text("zero_point")).filter(name -> !name.isEmpty()),
            minimums ? readFactors(fields, MINIMUMS, fault) : List.of(),
            index ? Optional.of(fields.text(GROUP_INDEX)) : Optional.empty(),
            arithmetic ? ElementType.of(fields.text(ARITHMETIC)) : ElementType.FLOAT32);
      }
      case "lookup" -> {
        JsonFields fields =
            new JsonFields(fault, where, json, Set.of("kind", "codes", "table", "scales"));
        yield new Formula.Lookup(
            fields.text("codes"), fields.text("table"), readFactors(fields, "scales", fault));
      }
      case "divided" -> {
        JsonFields fields = new JsonFields(fault, where, json, Set.of("kind", "of", "factors"));
        yield new Formula.Divided(
            readFormula(where, fields.get("of"), fault), fields.text("factors"));
      }
      case "opaque" -> new Formula.Opaque();
      default ->
          throw fault.of(
              where,
              "formula is of kind "
                  + QuantException.quote(kind)
                  + "; there are cast, affine, lookup, divided and opaque");
    };
  }

  private static List<Formula.Factor> readFactors(
      JsonFields fields, String name, JsonFields.Fault fault) {
    if (!(fields.get(name) instanceof JsonValue.Arr array)) {
      throw fault.of(fields.where(), name + " is no array");
    }
    List<Formula.Factor> factors = new ArrayList<>();
    for (JsonValue item : array.items()) {
      if (!(item instanceof JsonValue.Str text)) {
        throw fault.of(fields.where(), name + " is no array of texts");
      }
      boolean divides = text.value().startsWith(OVER);
      factors.add(
          new Formula.Factor(
              divides ? text.value().substring(OVER.length()) : text.value(), divides));
    }
    return factors;
  }

  private static List<Part> parts(JsonFields fields, JsonFields.Fault fault) {
    if (!(fields.get("parts") instanceof JsonValue.Arr array)) {
      throw fault.of(fields.where(), "parts is no array");
    }
    List<Part> parts = new ArrayList<>();
    for (JsonValue item : array.items()) {
      boolean tiled = item instanceof JsonValue.Obj o && o.members().containsKey("cell");
      JsonFields part =
          new JsonFields(
              fault, fields.where(), item, Set.of("name", "type", tiled ? "cell" : "whole"));
      Part.Extent extent = tiled ? grid(part, fault) : new Part.Whole(part.shape("whole"));
      parts.add(new Part(part.text("name"), ElementType.of(part.text("type")), extent));
    }
    return parts;
  }

  private static Part.Grid grid(JsonFields part, JsonFields.Fault fault) {
    if (part.get("cell") instanceof JsonValue.Arr cell
        && (cell.items().size() == 2 || cell.items().size() == 3)) {
      long rows = part.number("cell", cell.items().get(0));
      JsonValue cols = cell.items().get(1);
      return new Part.Grid(
          Math.toIntExact(rows),
          cols.equals(JsonValue.of(ALL)) ? Part.Grid.ALL : part.number("cell", cols),
          cell.items().size() == 2 ? 1 : Math.toIntExact(part.number("cell", cell.items().get(2))));
    }
    throw fault.of(part.where(), "cell is no array of rows, columns and perhaps a width");
  }
}
