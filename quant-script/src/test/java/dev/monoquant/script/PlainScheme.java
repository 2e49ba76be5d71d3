package dev.monoquant.script;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The plainest quantization there is, for tests: what is stored, and what that stands for. */
enum PlainScheme {
  INT8("int8", ElementType.INT8, ElementType.FLOAT32, true, 0, false),
  INT8_HALF_SCALE("int8-half-scale", ElementType.INT8, ElementType.BFLOAT16, true, 0, false),
  INT8_ASYMMETRIC("int8-asymmetric", ElementType.INT8, ElementType.FLOAT32, false, 0, false),
  INT8_TENSOR("int8-tensor", ElementType.INT8, ElementType.FLOAT32, false, 0, true),
  UINT8("uint8", ElementType.UINT8, ElementType.FLOAT32, false, 0, false),
  INT8_GROUP("int8-group", ElementType.INT8, ElementType.FLOAT32, true, 8, false),
  INT4("int4", ElementType.INT4, ElementType.FLOAT32, true, 0, false),
  INT4_GROUP("int4-group", ElementType.INT4, ElementType.FLOAT16, false, 16, false),
  INT3("int3", ElementType.INT3, ElementType.FLOAT32, false, 0, false),
  UINT5("uint5", ElementType.UINT5, ElementType.FLOAT32, false, 7, false),
  INT6_TENSOR("int6-tensor", ElementType.INT6, ElementType.FLOAT32, false, 0, true),
  HALF("f16", ElementType.FLOAT16, ElementType.FLOAT16, true, 0, false),
  BFLOAT("bf16", ElementType.BFLOAT16, ElementType.BFLOAT16, true, 0, false);

  private final String id;
  private final ElementType type;
  private final ElementType scaleType;
  private final boolean symmetric;
  private final int group;
  private final boolean perTensor;

  PlainScheme(
      String id,
      ElementType type,
      ElementType scaleType,
      boolean symmetric,
      int group,
      boolean perTensor) {
    this.id = id;
    this.type = type;
    this.scaleType = scaleType;
    this.symmetric = symmetric;
    this.group = group;
    this.perTensor = perTensor;
  }

  String id() {
    return id;
  }

  private boolean isCast() {
    return type.isQuantizable();
  }

  /** {@return half the greatest distance between neighbours, as part of the range of a row} */
  double coarseness() {
    return isCast() ? 1.0 / 256 : 1.0 / (1 << (type.bits() - 1));
  }

  EncodedWeight weight(WeightMatrix rows, OptionValues storage) {
    Encoding encoding;
    if (isCast()) {
      encoding = Encoding.cast(Part.perElement("values", type));
    } else {
      Part codes = Part.perElement(Part.CODES, type);
      encoding =
          symmetric
              ? Encoding.affine(codes, shared(Part.SCALE, scaleType))
              : Encoding.affine(
                  codes, shared(Part.SCALE, scaleType), shared(Part.ZERO_POINT, type));
    }
    return new EncodedWeight(
        rows,
        new SchemeId(id, 1),
        OptionValues.of(type.bits(), symmetric, Granularity.CHANNEL),
        encoding,
        storage,
        Optional.empty());
  }

  private Part shared(String name, ElementType cell) {
    if (perTensor) {
      return Part.perTensor(name, cell);
    }
    return group > 0 ? Part.perGroup(name, cell, group) : Part.perRow(name, cell);
  }

  /** The bytes of each part as they are stored. */
  Map<String, byte[]> encode(float[] weights, int rows, int cols) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    if (isCast()) {
      byte[] values = new byte[weights.length * type.cellBytes()];
      FloatBytes.narrow(type, weights, 0, weights.length, values, 0);
      parts.put("values", values);
      return parts;
    }
    int width = group > 0 ? group : cols;
    int groups = (cols + width - 1) / width;
    int cells = perTensor ? 1 : rows * groups;
    float[] low = new float[cells];
    float[] high = new float[cells];
    for (int i = 0; i < weights.length; i++) {
      int cell = perTensor ? 0 : i / cols * groups + i % cols / width;
      low[cell] = Math.min(low[cell], weights[i]);
      high[cell] = Math.max(high[cell], weights[i]);
    }
    float[] scale = new float[cells];
    byte[] zero = new byte[cells];
    for (int c = 0; c < cells; c++) {
      float range =
          symmetric
              ? Math.max(-low[c], high[c]) / type.maxCode()
              : (high[c] - low[c]) / (type.maxCode() - type.minCode());
      scale[c] = range == 0 ? 1 : range;
    }
    byte[] scaleBytes = new byte[cells * scaleType.cellBytes()];
    FloatBytes.narrow(scaleType, scale, 0, cells, scaleBytes, 0);
    FloatBytes.widen(scaleType, java.nio.ByteBuffer.wrap(scaleBytes), scale, 0, cells);
    byte[] codes = new byte[weights.length];
    for (int i = 0; i < weights.length; i++) {
      int cell = perTensor ? 0 : i / cols * groups + i % cols / width;
      int z = symmetric ? 0 : clamp((float) type.minCode() - low[cell] / scale[cell]);
      zero[cell] = (byte) z;
      codes[i] = (byte) clamp(weights[i] / scale[cell] + z);
    }
    parts.put(Part.CODES, packed(codes, rows, cols));
    parts.put(Part.SCALE, scaleBytes);
    if (!symmetric) {
      parts.put(Part.ZERO_POINT, packed(zero, perTensor ? 1 : rows, perTensor ? 1 : groups));
    }
    return parts;
  }

  private int clamp(float code) {
    return (int) Math.max(type.minCode(), Math.min(type.maxCode(), Math.rint(code)));
  }

  private byte[] packed(byte[] codes, int rows, int cols) {
    int bits = type.bits();
    if (bits == 8) {
      return codes;
    }
    int rowBytes = (cols * bits + 7) / 8;
    byte[] out = new byte[rows * rowBytes];
    for (int bit = 0; bit < codes.length * bits; bit++) {
      int code = bit / bits;
      if ((codes[code] >> bit % bits & 1) != 0) {
        int inRow = code % cols * bits + bit % bits;
        out[code / cols * rowBytes + inRow / 8] |= (byte) (1 << inRow % 8);
      }
    }
    return out;
  }
}
