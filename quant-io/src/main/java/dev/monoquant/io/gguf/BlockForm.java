package dev.monoquant.io.gguf;

import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.io.gguf.BlockField.Bytes;
import dev.monoquant.io.gguf.BlockField.Nibbles;
import dev.monoquant.io.gguf.BlockField.Plane;
import dev.monoquant.io.gguf.BlockField.SixBits;
import dev.monoquant.io.gguf.BlockField.Trits;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The blocks of one type of ggml: the parts of a weight, and where they are in a block. Written
 * with the bytes of each field; d and m are float16, h are the upper bits of codes:
 *
 * <pre>
 * Q4_0    32 numbers   d 2, codes 16                          x = d * (code - 8)
 * Q4_1    32           d 2, m 2, codes 16                     x = d * code + m
 * Q5_0    32           d 2, h 4, codes 16                     x = d * (code - 16)
 * Q5_1    32           d 2, m 2, h 4, codes 16                x = d * code + m
 * Q8_0    32           d 2, codes 32                          x = d * code
 * Q2_K    256          scales and minimums 16, codes 64, d 2, m 2    x = d * scale * code - m * minimum
 * Q3_K    256          h 32, codes 64, scales 12, d 2         x = d * (scale - 32) * (code - 4)
 * Q4_K    256          d 2, m 2, scales and minimums 12, codes 128   x = d * scale * code - m * minimum
 * Q5_K    256          d 2, m 2, scales and minimums 12, h 32, codes 128         the same
 * Q6_K    256          codes 128, h 64, scales 16, d 2        x = d * scale * (code - 32)
 * IQ4_NL  32           d 2, codes 16                          x = d * level[code]
 * IQ4_XS  256          d 2, h of scales 2, scales 4, codes 128       x = d * (scale - 32) * level[code]
 * MXFP4   32           exponent 1, codes 16                   x = 2^(exponent - 127) * E2M1(code)
 * NVFP4   64           scales 4, codes 32                     x = E4M3(scale) * E2M1(code)
 * TQ1_0   256          codes 32, 16 and 4, d 2                x = d * (code - 1)
 * TQ2_0   256          codes 64, d 2                          x = d * (code - 1)
 * Q1_0    128          d 2, codes 16                          x = d * level[code]: -1, 1
 * IQ1 to IQ3   256     see {@link VectorField}                x = d * scale * code
 * </pre>
 *
 * <p>A scale holds for 32 numbers, of 16 in Q2_K, Q3_K, Q6_K, NVFP4, IQ1_M, IQ2_XS and IQ2_S.
 * Products are float32, from left to right. What this does not do: the types for activations, Q8_1
 * and Q8_K, have no form; no model has weights of them.
 *
 * <p>Source: {@code ggml/src/ggml-common.h} and {@code ggml-quants.c} at commit d99724f.
 */
final class BlockForm {

  private static final String SUPER = "super_scale";
  private static final String MINIMUM = "minimum";
  private static final String SUPER_MINIMUM = "super_minimum";
  private static final String TABLE = "table";
  private static final int SMALL = 32;
  private static final int LARGE = 256;

  private static final List<Float> LEVELS =
      List.of(
          -127f, -104f, -83f, -65f, -49f, -35f, -22f, -10f, 1f, 13f, 25f, 38f, 53f, 69f, 89f, 113f);

  private static final Map<GgmlType, BlockForm> FORMS = new EnumMap<>(GgmlType.class);

  static {
    Part d = Part.perGroup(Part.SCALE, ElementType.FLOAT16, SMALL);
    Part m = Part.perGroup(MINIMUM, ElementType.FLOAT16, SMALL);
    Bytes first = new Bytes(1, 2);
    Bytes added = new Bytes(2, 2, true);
    Plane nibbles = new Plane(0, SMALL, 4, 16, 0);
    Plane fifth = new Plane(0, SMALL, 1, 1, 4);
    new Builder(GgmlType.Q4_0, codes(ElementType.INT4), d)
        .fields(first, nibbles)
        .offset(0, 8)
        .add();
    new Builder(GgmlType.Q4_1, codes(ElementType.UINT4), d, m).fields(first, added, nibbles).add();
    new Builder(GgmlType.Q5_0, codes(ElementType.INT5), d)
        .fields(first, fifth, nibbles)
        .offset(0, 16)
        .add();
    new Builder(GgmlType.Q5_1, codes(ElementType.UINT5), d, m)
        .fields(first, added, fifth, nibbles)
        .add();
    new Builder(GgmlType.Q8_0, codes(ElementType.INT8), d).fields(first, new Bytes(0, SMALL)).add();
    new Builder(GgmlType.IQ4_NL, codes(ElementType.UINT4), d)
        .fields(first, nibbles)
        .table(LEVELS)
        .add();
    new Builder(
            GgmlType.MXFP4,
            codes(ElementType.FLOAT4),
            Part.perGroup(Part.SCALE, ElementType.FLOAT8_E8M0, SMALL))
        .fields(new Bytes(1, 1), nibbles)
        .add();
    new Builder(
            GgmlType.NVFP4,
            codes(ElementType.FLOAT4),
            Part.perGroup(Part.SCALE, ElementType.FLOAT8_E4M3, 16))
        .fields(new Bytes(1, 4), new Plane(0, 64, 4, 8, 0))
        .add();
    new Builder(
            GgmlType.Q1_0,
            codes(ElementType.UINT1),
            Part.perGroup(Part.SCALE, ElementType.FLOAT16, 128))
        .fields(first, new Plane(0, 128, 1, 1, 0))
        .table(List.of(-1f, 1f))
        .add();
    large();
    ternary();
    for (VectorField field : VectorField.ALL) {
      new Builder(
              field.type(),
              codes(
                  field.greatest() <= ElementType.INT5.maxCode()
                      ? ElementType.INT5
                      : ElementType.INT7),
              Part.perGroup(SUPER, ElementType.FLOAT16, LARGE),
              Part.perGroup(Part.SCALE, ElementType.FLOAT16, field.group()))
          .fields(field)
          .restricted()
          .add();
    }
  }

  private final GgmlType type;
  private final Encoding encoding;
  private final List<BlockField> fields;
  private final Map<Integer, Integer> offsets;
  private final List<Float> levels;
  private final boolean restricted;

  /** The cells of each part in a block, in bytes; 0 for a whole part. */
  private final int[] cellBytes;

  private BlockForm(Builder builder) {
    this.type = builder.type;
    this.encoding = new Encoding(builder.parts, builder.formula());
    this.fields = List.copyOf(builder.fields);
    this.offsets = Map.copyOf(builder.offsets);
    this.levels = builder.levels;
    this.restricted = builder.restricted;
    this.cellBytes =
        encoding.parts().stream()
            .mapToInt(part -> part.tiled() ? (int) part.tileBytes(1, type.numbers()) : 0)
            .toArray();
    int sum = fields.stream().mapToInt(BlockField::bytes).sum();
    if (sum != type.bytes()) {
      throw new IllegalStateException(type + " has fields of " + sum + " bytes");
    }
  }

  private static void large() {
    Part d = Part.perGroup(SUPER, ElementType.FLOAT16, LARGE);
    Part m = Part.perGroup(SUPER_MINIMUM, ElementType.FLOAT16, LARGE);
    Bytes scale = new Bytes(1, 2);
    new Builder(
            GgmlType.Q2_K,
            codes(ElementType.UINT2),
            d,
            Part.perGroup(Part.SCALE, ElementType.UINT4, 16),
            m,
            Part.perGroup(MINIMUM, ElementType.UINT4, 16))
        .fields(new Nibbles(2, 4), new Plane(0, LARGE, 2, 32, 0), scale, new Bytes(3, 2))
        .add();
    new Builder(
            GgmlType.Q3_K,
            codes(ElementType.INT3),
            d,
            Part.perGroup(Part.SCALE, ElementType.INT6, 16))
        .fields(
            new Plane(0, LARGE, 1, 32, 2),
            new Plane(0, LARGE, 2, 32, 0),
            new Plane(2, 16, 4, 8, 0),
            new Plane(2, 16, 2, 4, 4),
            scale)
        .offset(0, 4)
        .offset(2, 32)
        .add();
    Part six = Part.perGroup(Part.SCALE, ElementType.UINT6, SMALL);
    Part sixMinimum = Part.perGroup(MINIMUM, ElementType.UINT6, SMALL);
    Plane nibbles = new Plane(0, LARGE, 4, 32, 0);
    new Builder(GgmlType.Q4_K, codes(ElementType.UINT4), d, six, m, sixMinimum)
        .fields(scale, new Bytes(3, 2), new SixBits(2, 4), nibbles)
        .add();
    new Builder(GgmlType.Q5_K, codes(ElementType.UINT5), d, six, m, sixMinimum)
        .fields(scale, new Bytes(3, 2), new SixBits(2, 4), new Plane(0, LARGE, 1, 32, 4), nibbles)
        .add();
    new Builder(
            GgmlType.Q6_K,
            codes(ElementType.INT6),
            d,
            Part.perGroup(Part.SCALE, ElementType.INT8, 16))
        .fields(
            new Plane(0, LARGE, 4, 64, 0), new Plane(0, LARGE, 2, 32, 4), new Bytes(2, 16), scale)
        .offset(0, 32)
        .add();
    new Builder(
            GgmlType.IQ4_XS,
            codes(ElementType.UINT4),
            d,
            Part.perGroup(Part.SCALE, ElementType.INT6, SMALL))
        .fields(
            scale,
            new Plane(2, 8, 2, 1, 4),
            new Plane(2, 8, 4, 1, 0),
            new Plane(0, LARGE, 4, 16, 0))
        .offset(2, 32)
        .table(LEVELS)
        .add();
  }

  private static void ternary() {
    Part d = Part.perGroup(SUPER, ElementType.FLOAT16, LARGE);
    Bytes scale = new Bytes(1, 2);
    new Builder(GgmlType.TQ1_0, codes(ElementType.UINT2), d)
        .fields(new Trits(0, 0, 32, 5), new Trits(0, 160, 16, 5), new Trits(0, 240, 4, 4), scale)
        .centred()
        .restricted()
        .add();
    new Builder(GgmlType.TQ2_0, codes(ElementType.UINT2), d)
        .fields(new Plane(0, LARGE, 2, 32, 0), scale)
        .centred()
        .add();
  }

  private static Part codes(ElementType type) {
    return Part.perElement(Part.CODES, type);
  }

  /** Collects the parts and fields of a type. */
  private static final class Builder {

    private final GgmlType type;
    private final List<Part> parts;
    private final List<BlockField> fields = new ArrayList<>();
    private final Map<Integer, Integer> offsets = new HashMap<>();
    private List<Float> levels = List.of();
    private boolean centred;
    private boolean restricted;

    Builder(GgmlType type, Part... parts) {
      this.type = type;
      this.parts = new ArrayList<>(List.of(parts));
    }

    Builder fields(BlockField... inOrder) {
      fields.addAll(List.of(inOrder));
      return this;
    }

    /** Cells of that part are stored with a number added. */
    Builder offset(int part, int number) {
      offsets.put(part, number);
      return this;
    }

    /** Codes are indices of these levels. */
    Builder table(List<Float> numbers) {
      levels = numbers;
      parts.add(
          new Part(TABLE, ElementType.FLOAT32, new Part.Whole(TensorShape.of(numbers.size()))));
      return this;
    }

    /** Only some sequences of codes can be stored, such as those that are vectors of a table. */
    Builder restricted() {
      restricted = true;
      return this;
    }

    /** One is subtracted from each code. */
    Builder centred() {
      centred = true;
      parts.add(Part.perTensor(Part.ZERO_POINT, ElementType.UINT2));
      return this;
    }

    Formula formula() {
      List<Factor> scales = new ArrayList<>();
      List<Factor> minimums = new ArrayList<>();
      for (Part part : parts.subList(1, parts.size())) {
        switch (part.name()) {
          case SUPER, Part.SCALE -> scales.add(Factor.times(part.name()));
          case SUPER_MINIMUM, MINIMUM -> minimums.add(Factor.times(part.name()));
          default -> {
            // The table and the zero point stand in the formula by themselves.
          }
        }
      }
      if (!levels.isEmpty()) {
        return new Formula.Lookup(Part.CODES, TABLE, scales);
      }
      return new Formula.Affine(
          Part.CODES,
          scales,
          centred ? Optional.of(Part.ZERO_POINT) : Optional.empty(),
          minimums,
          Optional.empty(),
          ElementType.FLOAT32);
    }

    void add() {
      FORMS.put(type, new BlockForm(this));
    }
  }

  /**
   * {@return the blocks of a type; empty if they are not decoded}
   *
   * @param type a type of ggml
   */
  static Optional<BlockForm> of(GgmlType type) {
    return Optional.ofNullable(FORMS.get(type));
  }

  /**
   * {@return the blocks that store a weight; empty if there are none}
   *
   * <p>Of the types with its parts it is the one that the scheme names; otherwise one that stores
   * any codes.
   *
   * @param weight the weight
   */
  static Optional<BlockForm> of(EncodedWeight weight) {
    List<BlockForm> fitting =
        FORMS.values().stream().filter(form -> form.encoding.equals(weight.encoding())).toList();
    return fitting.stream()
        .filter(form -> form.scheme().equals(weight.scheme().name()))
        .findFirst()
        .or(() -> fitting.stream().filter(form -> !form.restricted).findFirst());
  }

  /** {@return the name of the scheme whose weights the type stores} */
  String scheme() {
    return "ggml/" + type.wire();
  }

  /** {@return the parts of a weight and their meaning} */
  Encoding encoding() {
    return encoding;
  }

  /** {@return the type of the blocks} */
  GgmlType type() {
    return type;
  }

  /**
   * Reads blocks.
   *
   * @param in the blocks; consumed
   * @param count how many
   * @return the cells of each tiled part, and the whole parts
   */
  Map<String, byte[]> read(ByteBuffer in, int count) {
    byte[][] cells = new byte[cellBytes.length][];
    for (int i = 0; i < cells.length; i++) {
      cells[i] = new byte[Math.multiplyExact(count, cellBytes[i])];
    }
    for (int block = 0; block < count; block++) {
      for (BlockField field : fields) {
        field.read(in, cells, block);
      }
    }
    offsets.forEach((part, number) -> shift(cells[part], -number));
    Map<String, byte[]> parts = new HashMap<>(whole());
    for (int i = 0; i < cells.length; i++) {
      if (cellBytes[i] > 0) {
        parts.put(encoding.parts().get(i).name(), cells[i]);
      }
    }
    return parts;
  }

  /**
   * Writes blocks; the reverse of {@link #read}.
   *
   * @param tile the cells of each tiled part
   * @param count how many blocks
   * @param out receives the blocks
   * @throws IllegalArgumentException if a part has too few or too many bytes, or values that the
   *     type does not hold
   * @throws BufferOverflowException if the blocks do not fit; nothing is written then
   */
  void write(EncodedTile tile, int count, ByteBuffer out) {
    requireSizes(tile, count);
    if (out.remaining() < count * type.bytes()) {
      // Fields write into the array behind the buffer, which may be longer.
      throw new BufferOverflowException();
    }
    byte[][] cells = new byte[cellBytes.length][];
    for (int i = 0; i < cells.length; i++) {
      if (cellBytes[i] > 0) {
        byte[] own = tile.part(encoding.parts().get(i).name());
        cells[i] = offsets.containsKey(i) ? own.clone() : own;
      }
    }
    offsets.forEach((part, number) -> shift(cells[part], number));
    int start = out.position();
    int at = start;
    for (BlockField field : fields) {
      field.writeAll(out, at, type.bytes(), cells, count);
      at += field.bytes();
    }
    out.position(start + count * type.bytes());
  }

  /**
   * Checks the sizes of the tiled parts.
   *
   * @param tile the cells of each
   * @param count how many blocks
   * @throws IllegalArgumentException if a part has too few or too many bytes
   */
  void requireSizes(EncodedTile tile, int count) {
    for (int i = 0; i < cellBytes.length; i++) {
      String name = encoding.parts().get(i).name();
      if (cellBytes[i] > 0 && tile.part(name).length != count * cellBytes[i]) {
        throw new IllegalArgumentException(
            "part " + name + " needs " + count * cellBytes[i] + " bytes");
      }
    }
  }

  /** {@return the bytes of the whole parts, the same for every weight} */
  Map<String, byte[]> whole() {
    Map<String, byte[]> whole = new HashMap<>();
    for (Part part : encoding.parts()) {
      if (part.name().equals(TABLE)) {
        float[] numbers = new float[levels.size()];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = levels.get(i);
        }
        whole.put(TABLE, part.toBytes(numbers));
      } else if (part.name().equals(Part.ZERO_POINT)) {
        whole.put(Part.ZERO_POINT, new byte[] {1});
      }
    }
    return whole;
  }

  /**
   * Checks the whole parts, which are the same for every weight and are not stored.
   *
   * @param parts the bytes of every whole part by name
   * @throws IllegalArgumentException if a part is missing or has other values
   */
  void requireWhole(Map<String, byte[]> parts) {
    whole()
        .forEach(
            (name, bytes) -> {
              if (!Arrays.equals(parts.get(name), bytes)) {
                throw new IllegalArgumentException(
                    "part " + name + " of " + type + " has other values than the type");
              }
            });
  }

  private static void shift(byte[] cells, int number) {
    for (int i = 0; i < cells.length; i++) {
      cells[i] += (byte) number;
    }
  }
}
