package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.fakes.MemoryTile;
import dev.monoquant.tile.EncodedTile;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Quantizes whole weights as the pipeline would, tile after tile. */
final class Run {

  /** All ways of computing, or those without the engine: mutation tests start many processes. */
  static final List<Compute> COMPUTES =
      Boolean.getBoolean("quant.test.no-engine")
          ? List.of(Compute.JVM)
          : List.of(Compute.JVM, Compute.TORCH);

  private Run() {}

  static Scheme scheme(int bits) {
    return switch (bits) {
      case 2 -> new Int2Scheme();
      case 3 -> new Int3Scheme();
      case 4 -> new Int4Scheme();
      case 5 -> new Int5Scheme();
      case 6 -> new Int6Scheme();
      case 7 -> new Int7Scheme();
      case 8 -> new Int8Scheme();
      default -> throw new IllegalArgumentException("no scheme of " + bits + " bits");
    };
  }

  /** The parts of the second after those of the first. */
  static EncodedTile concatenate(EncodedTile first, EncodedTile second) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    for (String name : second.names()) {
      ByteArrayOutputStream both = new ByteArrayOutputStream();
      if (first.names().contains(name)) {
        both.writeBytes(first.part(name));
      }
      both.writeBytes(second.part(name));
      parts.put(name, both.toByteArray());
    }
    return new EncodedTile(0, first.height() + second.height(), parts);
  }

  static float[] concatenate(float[] first, float[] second) {
    float[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  static WeightMatrix rows(ElementType type, long rows, long cols) {
    TensorInfo tensor = new TensorInfo("layer.weight", type, TensorShape.of(rows, cols));
    return new WeightMatrix("layer", LayerKind.LINEAR, "weight", tensor, 0);
  }

  /** Floats as they come out of a weight of that type. */
  static float[] as(ElementType type, float... values) {
    byte[] bytes = new byte[values.length * type.cellBytes()];
    FloatBytes.narrow(type, values, 0, values.length, bytes, 0);
    float[] back = new float[values.length];
    FloatBytes.widen(type, ByteBuffer.wrap(bytes), back, 0, back.length);
    return back;
  }

  static Facts facts(Scheme scheme, OptionValues options, float[] weight) {
    Set<Need> needs = scheme.needs(options);
    float min = weight[0];
    float max = weight[0];
    for (float value : weight) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    Facts facts = needs.contains(Need.TENSOR_RANGE) ? Facts.ofRange(min, max) : Facts.NONE;
    facts = needs.contains(Need.TENSOR_SAMPLE) ? facts.withSample(sample(weight)) : facts;
    return needs.contains(Need.FAMILY_RANGE) ? facts.withFamilyRange(min, max) : facts;
  }

  private static float[] sample(float[] weight) {
    int step = (int) Facts.sampleStep(weight.length);
    float[] sample = new float[(weight.length + step - 1) / step];
    for (int i = 0; i < sample.length; i++) {
      sample[i] = weight[i * step];
    }
    return sample;
  }

  /** All parts of a weight, the tiles' concatenated. */
  static EncodedTile quantize(
      Scheme scheme, WeightMatrix rows, OptionValues options, float[] weight, int tileHeight) {
    return quantize(scheme, rows, options, Compute.AUTO, weight, tileHeight);
  }

  static EncodedTile quantize(
      Scheme scheme,
      WeightMatrix rows,
      OptionValues options,
      Compute compute,
      float[] weight,
      int tileHeight) {
    Facts facts = facts(scheme, options, weight);
    return quantize(scheme.begin(rows, options, facts, compute), rows, weight, tileHeight);
  }

  static EncodedTile quantize(
      TileQuantizer quantizer, WeightMatrix rows, float[] weight, int tileHeight) {
    Map<String, ByteArrayOutputStream> parts = new TreeMap<>();
    int height = (int) rows.rowCount();
    for (int row = 0; row < height; row += tileHeight) {
      int cols = (int) rows.columnCount();
      int end = Math.min(row + tileHeight, height);
      float[] numbers = Arrays.copyOfRange(weight, row * cols, end * cols);
      // Longer than needed, as a tile may be: nobody may look at what is beyond.
      try (MemoryTile tile = MemoryTile.of(rows, row, numbers).withSlack(3)) {
        EncodedTile made = quantizer.quantize(tile);
        for (String name : made.names()) {
          parts.computeIfAbsent(name, n -> new ByteArrayOutputStream()).writeBytes(made.part(name));
        }
      }
    }
    Map<String, byte[]> all = new LinkedHashMap<>(quantizer.tensorParts());
    parts.forEach((name, bytes) -> all.put(name, bytes.toByteArray()));
    return new EncodedTile(0, height, all);
  }

  static float[] decode(Scheme scheme, WeightMatrix rows, OptionValues options, EncodedTile parts) {
    float[] out = new float[(int) (rows.rowCount() * rows.columnCount())];
    EncodedWeight weight =
        new EncodedWeight(rows, scheme.id(), options, scheme.fit(rows, options).orThrow(rows));
    scheme.decoderOf(weight).decode(parts, out);
    return out;
  }
}
