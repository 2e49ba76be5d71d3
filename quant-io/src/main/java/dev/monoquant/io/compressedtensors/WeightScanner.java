package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.layout.Packing;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the quantized weights among the tensors of a directory and checks that every tensor has the
 * type and shape that its group implies.
 */
final class WeightScanner {

  private static final String PACKED_SUFFIX = "." + PackedWeight.PACKED;
  private static final String WEIGHT_SUFFIX = ".weight";
  private static final String ADVICE =
      " The files do not belong together or are damaged; fetch them again.";

  /** Ways of packing codes into words; the second is that of older files. */
  private static final List<Packing> WORDS = List.of(Packing.WORDS, Packing.PADDED_WORDS);

  private final ModelFiles files;
  private final GroupMatcher matcher;
  private final Map<String, StoredWeight> weights = new LinkedHashMap<>();
  private final Set<String> parts = new HashSet<>();

  WeightScanner(ModelFiles files, List<ConfigGroup> groups, String configFile) throws IOException {
    this.files = files;
    this.matcher = new GroupMatcher(groups, configFile);
    for (String name : files.tensors().keySet()) {
      if (name.endsWith(PACKED_SUFFIX)) {
        scan(name.substring(0, name.length() - PACKED_SUFFIX.length()), true);
      } else if (name.endsWith(WEIGHT_SUFFIX) && name.length() > WEIGHT_SUFFIX.length()) {
        String module = name.substring(0, name.length() - WEIGHT_SUFFIX.length());
        boolean scaled = files.find(module + "." + PackedWeight.SCALE).isPresent();
        if (scaled && !files.tensors().get(name).info().type().isQuantizable()) {
          scan(module, false);
        }
      }
    }
  }

  /** {@return the weights by name} */
  Map<String, StoredWeight> weights() {
    return weights;
  }

  /** {@return the names of the tensors they are made of} */
  Set<String> parts() {
    return parts;
  }

  private void scan(String module, boolean packed) throws IOException {
    ConfigGroup group = matcher.require(module);
    ModelFiles.Located main = require(module, packed ? PackedWeight.PACKED : "weight");
    if (group.packed() != packed) {
      throw fault(main, "is not what the format of its group " + quote(group.name()) + " has");
    }
    if (files.find(module + ".weight_g_idx").isPresent()) {
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          main.file().label(),
          "module " + quote(module),
          "its columns are permuted (weight_g_idx, actorder group), which is not supported. Use the"
              + " original model.");
    }
    ModelFiles.Located scale = require(module, PackedWeight.SCALE);
    TensorShape shape = packed ? shape(module) : main.info().shape();
    if (shape.rank() != 2 || shape.elements() == 0) {
      throw fault(main, "has the weight shape " + shape + ", not (outputs, inputs)");
    }
    ElementType codeType = ElementType.code(group.bits(), true);
    Packing codes = packed ? packing(main, shape, codeType) : bytes(main);
    Part scalePart = scalePart(scale, shape, group);
    Part codePart = Part.perElement(Part.CODES, codeType);
    Encoding encoding =
        group.symmetric()
            ? Encoding.affine(codePart, scalePart)
            : Encoding.affine(
                codePart, scalePart, new Part(Part.ZERO_POINT, codeType, scalePart.extent()));
    Packing points = zeroPoint(module, group, shape, scalePart);
    TensorInfo info =
        new TensorInfo(module + WEIGHT_SUFFIX, scale.info().type(), shape, main.info().shard());
    if (packed && files.find(info.name()).isPresent()) {
      throw fault(main, "stands beside " + quote(info.name()) + "; only one of them can be meant");
    }
    EncodedWeight weight =
        new EncodedWeight(
            new WeightMatrix(module, LayerKind.LINEAR, "weight", info, 0),
            new SchemeId("int" + group.bits(), 1),
            CommonOptions.of(group.bits(), group.symmetric(), group.strategy().granularity()),
            encoding);
    weights.put(info.name(), new StoredWeight(weight, module, codes, points, main.file().label()));
  }

  private ModelFiles.Located require(String module, String param) {
    String name = module + "." + param;
    Optional<ModelFiles.Located> found = files.find(name);
    if (found.isEmpty()) {
      throw new ModelFormatException(
          Reason.RECORD_MISSING,
          files.name(),
          "module " + quote(module),
          "has no tensor " + quote(name) + "." + ADVICE);
    }
    parts.add(name);
    return found.get();
  }

  private TensorShape shape(String module) throws IOException {
    ModelFiles.Located located = require(module, PackedWeight.SHAPE);
    ElementType type = located.info().type();
    boolean wide = type == ElementType.INT64;
    if ((!wide && type != ElementType.INT32) || !located.info().shape().equals(TensorShape.of(2))) {
      throw fault(located, "is " + describe(located) + ", not two integers");
    }
    ByteBuffer data = located.read(0, Math.toIntExact(located.stored().bytes()));
    long rows = wide ? data.getLong() : data.getInt();
    long cols = wide ? data.getLong() : data.getInt();
    // Twice the bits of an int: products of the two and 8 bits stay within a long.
    if (rows < 0 || cols < 0 || rows > Integer.MAX_VALUE || cols > Integer.MAX_VALUE) {
      throw fault(located, "holds [" + rows + ", " + cols + "], which is no shape of a weight");
    }
    return TensorShape.of(rows, cols);
  }

  private static Packing packing(ModelFiles.Located main, TensorShape shape, ElementType code) {
    long rows = shape.dim(0);
    long cols = shape.dim(1);
    if (main.info().type() == ElementType.INT32) {
      for (Packing packing : WORDS) {
        if (main.info().shape().equals(TensorShape.of(rows, packing.elements(code, cols)))) {
          return packing;
        }
      }
    }
    throw fault(
        main,
        "is "
            + describe(main)
            + "; a weight of shape "
            + shape
            + " at "
            + code.bits()
            + " bits needs I32 ["
            + rows
            + ", "
            + Packing.WORDS.elements(code, cols)
            + "]");
  }

  private static Packing bytes(ModelFiles.Located main) {
    if (main.info().type() != ElementType.INT8) {
      throw fault(main, "is " + describe(main) + ", but its group is of integers, I8");
    }
    return Packing.CELLS;
  }

  private static Part scalePart(ModelFiles.Located scale, TensorShape shape, ConfigGroup group) {
    ElementType type = scale.info().type();
    Part part = group.strategy().part(Part.SCALE, type);
    TensorShape expected = part.shape(shape.dim(0), shape.dim(1));
    boolean scalar = !part.tiled() && scale.info().shape().rank() == 0;
    if (!type.isQuantizable() || (!scalar && !scale.info().shape().equals(expected))) {
      throw fault(
          scale,
          "is "
              + describe(scale)
              + "; strategy "
              + group.strategy().granularity().wire()
              + " needs floats of shape "
              + expected);
    }
    return part;
  }

  /** {@return how the zero points of a weight are stored, if it has any} */
  private Packing zeroPoint(String module, ConfigGroup group, TensorShape shape, Part scale)
      throws IOException {
    String name = module + "." + PackedWeight.ZERO_POINT;
    if (group.symmetric()) {
      if (files.find(name).isPresent()) {
        requireZeros(require(module, PackedWeight.ZERO_POINT));
      }
      return Packing.CELLS;
    }
    ModelFiles.Located located = require(module, PackedWeight.ZERO_POINT);
    TensorShape cells = scale.shape(shape.dim(0), shape.dim(1));
    TensorShape actual = located.info().shape();
    if (located.info().type() == ElementType.INT8
        && (actual.equals(cells) || (!scale.tiled() && actual.rank() == 0))) {
      return Packing.CELLS;
    }
    if (located.info().type() == ElementType.INT32 && group.packed() && scale.tiled()) {
      ElementType code = ElementType.code(group.bits(), true);
      for (Packing packing : WORDS) {
        long words = packing.elements(code, shape.dim(0));
        if (actual.equals(TensorShape.of(words, cells.dim(1)))) {
          return packing;
        }
      }
    }
    throw fault(located, "is " + describe(located) + "; there are scales of shape " + cells);
  }

  /** Some writers store the zero points of symmetric weights, which are all zero. */
  private static void requireZeros(ModelFiles.Located located) throws IOException {
    ByteBuffer data = located.read(0, Math.toIntExact(located.stored().bytes()));
    while (data.hasRemaining()) {
      if (data.get() != 0) {
        throw fault(located, "is not zero, but its group is symmetric");
      }
    }
  }

  private static String describe(ModelFiles.Located located) {
    return located.info().type().wire() + " " + located.info().shape();
  }

  private static ModelFormatException fault(ModelFiles.Located located, String detail) {
    return new ModelFormatException(
        Reason.SHAPE,
        located.file().label(),
        "tensor " + quote(located.stored().name()),
        detail + "." + ADVICE);
  }
}
