package dev.monoquant.io.foreign;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The layouts of bitsandbytes. 8 bits, for a weight of (N, K) in a module M:
 *
 * <pre>
 * M.weight  I8  (N, K)
 * M.SCB     F32 (N)      the largest magnitude of each row
 *
 * weight[n][k] = weight[n][k] * (SCB[n] / 127)
 * </pre>
 *
 * <p>4 bits, NF4 or FP4, in blocks of B elements of the flattened weight:
 *
 * <pre>
 * M.weight                   U8  (N * K / 2, 1)   two codes in a byte, the even element in the high bits
 * M.weight.absmax            F32 (N * K / B)      the largest magnitude of each block
 * M.weight.quant_map         F32 (16)             the levels, from -1 to 1
 * M.weight.quant_state.bitsandbytes__nf4          U8, JSON: shape, blocksize, dtype
 *
 * weight[n][k] = quant_map[code[n][k]] * absmax[(n * K + k) / B]
 * </pre>
 *
 * <p>The library multiplies 8-bit codes by SCB and then by 1/127; for some codes the result differs
 * in the last bit of a float32.
 *
 * <p>With nested quantization (double quantization), see {@link NestedScales}:
 *
 * <pre>
 * M.weight.absmax            U8  (N * K / B)      the level of each scale
 * M.weight.nested_absmax     F32 (ceil(N * K / B / nested_blocksize))
 * M.weight.nested_quant_map  F32 (256)
 * and in the state           nested_blocksize, nested_offset
 * </pre>
 *
 * <p>Written is NF4 without nested scales. A row of four elements in blocks of two, F16:
 *
 * <pre>
 * codes   0 15  7 8          scale  2 0.5
 *
 * M.weight         0f 78
 * M.weight.absmax  00 00 00 40  00 00 00 3f
 * M.weight.quant_map           the 16 levels
 * M.weight.quant_state.bitsandbytes__nf4
 *     {"quant_type": "nf4", "blocksize": 2, "dtype": "float16", "shape": [1, 4]}
 * </pre>
 *
 * <p>What this does not do: it does not decode blocks that cross rows.
 *
 * <p>Source: bitsandbytes, {@code functional.py} and {@code backends/default/ops.py}.
 */
public final class BitsAndBytes implements ForeignLayout {

  private static final String CODES = "weight";
  private static final String SCB = "SCB";
  private static final String FORMAT = "weight_format";
  private static final String RANGE = "range";
  private static final float LARGEST = 127;
  private static final String ABSMAX = "weight.absmax";
  private static final String MAP = "weight.quant_map";
  private static final String STATE = "weight.quant_state.bitsandbytes__";
  private static final String NESTED_ABSMAX = "weight.nested_absmax";
  private static final String NESTED_MAP = "weight.nested_quant_map";
  private static final String TABLE = "table";
  private static final List<String> TYPES = List.of("nf4", "fp4");
  private static final int LEVELS = 16;
  private static final int MAX_STATE = 1 << 16;

  private static final String WRITTEN = "nf4";

  /**
   * {@return the elements of a block; empty if a weight is not written in the layout of NF4}
   *
   * @param weight the weight
   */
  public static OptionalLong block(EncodedWeight weight) {
    if (weight.encoding().formula() instanceof Formula.Lookup lookup
        && lookup.scales().size() == 1
        && !lookup.scales().get(0).divides()) {
      Part codes = weight.encoding().part(lookup.codes());
      Part scale = weight.encoding().part(lookup.scales().get(0).part());
      Part table = weight.encoding().part(lookup.table());
      boolean nf4 =
          weight.scheme().name().equals(WRITTEN)
              || weight.scheme().name().equals("bitsandbytes/" + WRITTEN);
      if (nf4
          && codes.type() == ElementType.UINT4
          && scale.type() == ElementType.FLOAT32
          && scale.extent() instanceof Part.Grid grid
          && grid.rowsPerCell() == 1
          && grid.width() == 1
          && grid.colsPerCell() % 2 == 0
          && table.type() == ElementType.FLOAT32
          && table.extent().equals(new Part.Whole(TensorShape.of(LEVELS)))) {
        return OptionalLong.of(grid.colsPerCell());
      }
    }
    return OptionalLong.empty();
  }

  /**
   * {@return the tensors of a weight}
   *
   * @param weight a weight with a {@link #block}, which divides its columns
   */
  public static WeightLayout layout(EncodedWeight weight) {
    Formula.Lookup lookup = (Formula.Lookup) weight.encoding().formula();
    WeightMatrix matrix = weight.matrix();
    String module = matrix.layer() + ".";
    long block = block(weight).orElseThrow();
    WeightLayout parts =
        MappedPart.swapped(
            new TensorPerPart(
                matrix,
                weight.encoding(),
                part ->
                    part.name().equals(lookup.codes())
                        ? new Storage(module + CODES, Packing.BITS)
                        : new Storage(
                            module + (part.name().equals(lookup.table()) ? MAP : ABSMAX),
                            Packing.CELLS)),
            lookup.codes());
    long count = matrix.rowCount() * matrix.columnCount();
    WeightLayout flat =
        new ReshapedTensors(
            parts,
            Map.of(
                module + CODES, TensorShape.of(count / 2, 1),
                module + ABSMAX, TensorShape.of(count / block)));
    byte[] state = state(matrix, block).getBytes(StandardCharsets.UTF_8);
    TensorInfo added =
        new TensorInfo(
            module + STATE + WRITTEN,
            ElementType.UINT8,
            TensorShape.of(state.length),
            matrix.tensor().shard());
    return new AddedTensor(flat, added, state::clone);
  }

  /** As Python's json writes it. */
  private static String state(WeightMatrix matrix, long block) {
    String dtype =
        switch (matrix.tensor().type()) {
          case FLOAT16 -> "float16";
          case BFLOAT16 -> "bfloat16";
          default -> "float32";
        };
    return "{\"quant_type\": \""
        + WRITTEN
        + "\", \"blocksize\": "
        + block
        + ", \"dtype\": \""
        + dtype
        + "\", \"shape\": ["
        + matrix.rowCount()
        + ", "
        + matrix.columnCount()
        + "]}";
  }

  @Override
  public Optional<Stored> find(ForeignModule module) {
    Optional<TensorInfo> codes = module.find(CODES);
    if (codes.isEmpty()) {
      return Optional.empty();
    }
    if (codes.get().type() == ElementType.INT8
        && codes.get().shape().rank() == 2
        && module.find(SCB).isPresent()) {
      return Optional.of(bytes(module, codes.get()));
    }
    return TYPES.stream()
        .filter(type -> module.find(STATE + type).isPresent() && module.find(MAP).isPresent())
        .findFirst()
        .map(type -> nibbles(module, type));
  }

  private static Stored bytes(ForeignModule module, TensorInfo codes) {
    long rows = codes.shape().dim(0);
    long columns = codes.shape().dim(1);
    module.require(SCB, ElementType.FLOAT32, rows);
    WeightMatrix matrix = module.matrix(module.declared().dtype(), rows, columns, CODES);
    Part range = Part.perTensor(RANGE, ElementType.FLOAT32);
    Encoding encoding =
        new Encoding(
            List.of(
                Part.perElement(Part.CODES, ElementType.INT8),
                Part.perRow(Part.SCALE, ElementType.FLOAT32),
                range),
            new Formula.Affine(
                Part.CODES,
                List.of(Factor.times(Part.SCALE), Factor.over(RANGE)),
                Optional.empty()));
    Encoding stored =
        Encoding.affine(
            Part.perElement(Part.CODES, ElementType.INT8),
            Part.perRow(Part.SCALE, ElementType.FLOAT32));
    WeightLayout layout =
        new ConstantPart(
            new TensorPerPart(
                matrix,
                stored,
                part ->
                    new Storage(
                        module.tensor(part.name().equals(Part.CODES) ? CODES : SCB),
                        Packing.CELLS)),
            range,
            range.toBytes(LARGEST));
    List<String> parameters = new ArrayList<>(List.of(CODES, SCB));
    if (module.find(FORMAT).isPresent()) {
      requireRows(module);
      parameters.add(FORMAT);
    }
    OptionValues options = OptionValues.of(Byte.SIZE, true, Granularity.CHANNEL);
    return new Stored(
        new EncodedWeight(matrix, new SchemeId("bitsandbytes/int8", 1), options, encoding),
        layout,
        parameters);
  }

  /** Other formats than 0 order the codes in tiles for the kernels of some GPUs. */
  private static void requireRows(ForeignModule module) {
    ByteBuffer format = module.read(FORMAT, Long.BYTES);
    for (int at = 0; at < format.limit(); at++) {
      if (format.get(at) != 0) {
        throw module.unsupported(
            "its weight_format is "
                + format.get(at)
                + "; only 0 is decoded, whose codes lie row by row");
      }
    }
  }

  private static Stored nibbles(ForeignModule module, String type) {
    String state = STATE + type;
    JsonValue.Obj json = state(module, state);
    long[] shape =
        json.find("shape")
            .filter(JsonValue.Arr.class::isInstance)
            .map(a -> ((JsonValue.Arr) a).items())
            .filter(items -> items.size() == 2)
            .map(items -> items.stream().mapToLong(BitsAndBytes::count).toArray())
            .orElseThrow(() -> module.fault(state, "states no shape of two dimensions"));
    long block = json.find("blocksize").map(BitsAndBytes::count).orElse(0L);
    long rows = shape[0];
    long columns = shape[1];
    if (block < 2 || block % 2 != 0 || columns % block != 0) {
      throw module.unsupported(
          "its blocks of " + block + " cross rows of " + columns + ", which is not decoded");
    }
    WeightMatrix matrix = module.matrix(dtype(module, json), rows, columns, CODES);
    module.require(CODES, ElementType.UINT8, Math.multiplyExact(rows, columns) / 2, 1);
    boolean nested = module.find(NESTED_ABSMAX).isPresent();
    ElementType stored = nested ? ElementType.UINT8 : ElementType.FLOAT32;
    module.require(ABSMAX, stored, rows * (columns / block));
    module.require(MAP, ElementType.FLOAT32, LEVELS);
    Part table = new Part(TABLE, ElementType.FLOAT32, new Part.Whole(TensorShape.of(LEVELS)));
    Encoding encoding = encoding(table, ElementType.FLOAT32, block);
    Map<String, String> names = Map.of(Part.SCALE, ABSMAX, TABLE, MAP);
    WeightLayout layout =
        MappedPart.swapped(
            new TensorPerPart(
                matrix,
                encoding(table, stored, block),
                part ->
                    new Storage(
                        module.tensor(names.getOrDefault(part.name(), CODES)),
                        part.name().equals(Part.CODES) ? Packing.BITS : Packing.CELLS)),
            Part.CODES);
    List<String> parameters = new ArrayList<>(List.of(CODES, ABSMAX, MAP, state));
    if (nested) {
      layout = nested(module, layout, json, state, rows * (columns / block));
      parameters.addAll(List.of(NESTED_ABSMAX, NESTED_MAP));
    }
    OptionValues options = OptionValues.of(4, true, Granularity.group(Math.toIntExact(block)));
    return new Stored(
        new EncodedWeight(matrix, new SchemeId("bitsandbytes/" + type, 1), options, encoding),
        layout,
        parameters);
  }

  private static Encoding encoding(Part table, ElementType scale, long block) {
    return new Encoding(
        List.of(
            Part.perElement(Part.CODES, ElementType.UINT4),
            Part.perGroup(Part.SCALE, scale, block),
            table),
        new Formula.Lookup(Part.CODES, TABLE, List.of(Factor.times(Part.SCALE))));
  }

  private static WeightLayout nested(
      ForeignModule module, WeightLayout layout, JsonValue.Obj json, String state, long scales) {
    long block = json.find("nested_blocksize").map(BitsAndBytes::count).orElse(0L);
    if (block < 1) {
      throw module.fault(state, "states no nested_blocksize");
    }
    module.require(NESTED_MAP, ElementType.FLOAT32, 1 << Byte.SIZE);
    module.require(NESTED_ABSMAX, ElementType.FLOAT32, (scales - 1) / block + 1);
    return new NestedScales(
        layout,
        module.find(NESTED_MAP).orElseThrow(),
        module.find(NESTED_ABSMAX).orElseThrow(),
        block,
        offset(module, json, state));
  }

  private static float offset(ForeignModule module, JsonValue.Obj json, String state) {
    try {
      String text =
          json.find("nested_offset")
              .filter(JsonValue.Num.class::isInstance)
              .map(n -> ((JsonValue.Num) n).text())
              .orElse("");
      float offset = Float.parseFloat(text);
      if (Float.isFinite(offset)) {
        return offset;
      }
    } catch (NumberFormatException e) {
      throw module.fault(state, "states no nested_offset");
    }
    throw module.fault(state, "states a nested_offset that is not finite");
  }

  private static JsonValue.Obj state(ForeignModule module, String parameter) {
    JsonValue json =
        StrictJson.parse(
            module.read(parameter, MAX_STATE),
            new JsonDialect(
                module.tensor(parameter),
                "the state of the quantization",
                Reason.METADATA,
                Reason.METADATA,
                ReadLimits.DEFAULT.maxDepth(),
                true,
                ReadLimits.DEFAULT.maxParsedBytes()));
    if (json instanceof JsonValue.Obj object) {
      return object;
    }
    throw module.fault(parameter, "holds " + json.kind() + ", not an object");
  }

  private static long count(JsonValue value) {
    return value instanceof JsonValue.Num n ? n.count().orElse(0L) : 0;
  }

  private static ElementType dtype(ForeignModule module, JsonValue.Obj state) {
    return switch (state.text("dtype").orElse("")) {
      case "float16" -> ElementType.FLOAT16;
      case "bfloat16" -> ElementType.BFLOAT16;
      case "float32" -> ElementType.FLOAT32;
      default -> module.declared().dtype();
    };
  }
}
