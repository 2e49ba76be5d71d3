package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.Optional;
import java.util.Set;

/** The tensors of one module of a directory, checked against its group. */
final class ModuleTensors {

  private static final int MAX_INDEX = 1 << 26;

  private static final String ADVICE =
      " The files do not belong together or are damaged; fetch them again.";

  private final ModelFiles files;
  private final String module;
  private final ElementType floats;
  private final Optional<ActivationQuantization> activations;
  private final Set<String> parts;

  /**
   * @param files the directory
   * @param module the name of the module
   * @param floats the type of the model's weights, used if the scales do not have it
   * @param activations how its inputs are quantized
   * @param parts receives the name of each tensor that is {@linkplain #require required}
   */
  ModuleTensors(
      ModelFiles files,
      String module,
      ElementType floats,
      Optional<ActivationQuantization> activations,
      Set<String> parts) {
    this.files = files;
    this.module = module;
    this.floats = floats;
    this.activations = activations;
    this.parts = parts;
  }

  String module() {
    return module;
  }

  /** {@return the type of the model's weights, used if the scales do not have it} */
  ElementType floats() {
    return floats;
  }

  /** {@return whether the module has a tensor with a local name} */
  boolean has(String local) {
    return files.find(module + "." + local).isPresent();
  }

  /**
   * {@return a part of the weight}
   *
   * @throws ModelFormatException if the module has no tensor of that name
   */
  ModelFiles.Located require(String local) {
    String name = module + "." + local;
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

  /**
   * {@return a part of the weight; a single number may have no dimension instead of one}
   *
   * @throws ModelFormatException if the module has no tensor of that name, type and shape
   */
  ModelFiles.Located require(String local, ElementType type, TensorShape shape) {
    ModelFiles.Located located = require(local);
    TensorShape stored = located.info().shape();
    boolean scalar = shape.equals(TensorShape.of(1)) && stored.rank() == 0;
    if (located.info().type() != type || !(stored.equals(shape) || scalar)) {
      throw fault(
          located,
          "is " + describe(located) + ", and its group needs " + type.wire() + " " + shape);
    }
    return located;
  }

  /**
   * {@return the part with the scales, in a type of weights}
   *
   * @param strategy how many numbers share a scale
   * @param shape the shape of the weight
   */
  Part scale(Strategy strategy, TensorShape shape) {
    ModelFiles.Located scale = require(StoredWeight.SCALE);
    ElementType type = scale.info().type();
    Part part = strategy.part(Part.SCALE, type);
    TensorShape expected = part.shape(shape.dim(0), shape.dim(1));
    boolean scalar = !part.tiled() && scale.info().shape().rank() == 0;
    if (!type.isQuantizable() || (!scalar && !scale.info().shape().equals(expected))) {
      throw fault(
          scale,
          "is "
              + describe(scale)
              + "; strategy "
              + strategy.granularity().wire()
              + " needs floats of shape "
              + expected);
    }
    return part;
  }

  /** Accepts the zero points of symmetric weights that some writers store, if all are zero. */
  void requireNoZeroPoints() throws IOException {
    if (!has(StoredWeight.ZERO_POINT)) {
      return;
    }
    ModelFiles.Located located = require(StoredWeight.ZERO_POINT);
    ByteBuffer data = located.read(0, Math.toIntExact(located.stored().bytes()));
    while (data.hasRemaining()) {
      if (data.get() != 0) {
        throw fault(located, "is not zero, but its group is symmetric");
      }
    }
  }

  /**
   * Checks the group index that older writers store. Readers ignore one with a negative number, and
   * sort the columns by it before they cut them into groups; that is the group it names only if all
   * groups are equally large.
   *
   * @param size columns in a group; 0 if all columns of a row share a scale
   * @param cols columns of the weight
   * @return whether there is one that the groups follow
   * @throws ModelFormatException if it is not I32 (columns), or names a group that is not there or
   *     of another size
   */
  boolean groupIndex(int size, long cols) throws IOException {
    if (!has(StoredWeight.GROUP_INDEX)) {
      return false;
    }
    ModelFiles.Located located =
        require(StoredWeight.GROUP_INDEX, ElementType.INT32, TensorShape.of(cols));
    if (located.stored().bytes() > MAX_INDEX) {
      throw fault(located, "has " + cols + " numbers, at most " + MAX_INDEX / 4 + " are allowed");
    }
    IntBuffer index = located.read(0, Math.toIntExact(located.stored().bytes())).asIntBuffer();
    int groups = size == 0 ? 1 : Math.toIntExact((cols + size - 1) / size);
    int[] counts = new int[groups];
    boolean ordered = true;
    for (int i = 0; i < cols; i++) {
      int group = index.get(i);
      if (group < 0) {
        return false;
      }
      if (group >= groups) {
        throw fault(located, "names group " + group + " of " + groups);
      }
      counts[group]++;
      ordered &= size == 0 || group == i / size;
    }
    for (int group = 0; group < groups; group++) {
      if (!ordered && counts[group] != size) {
        throw fault(
            located,
            "names group " + group + " for " + counts[group] + " columns, and groups have " + size);
      }
    }
    return !ordered;
  }

  /** Checks the shape that the file gives for a weight. */
  static void requireMatrix(ModelFiles.Located main, TensorShape shape) {
    if (shape.rank() != 2 || shape.elements() == 0) {
      throw fault(main, "has the weight shape " + shape + ", not (outputs, inputs)");
    }
  }

  /**
   * {@return the weight of the module}
   *
   * @param main the tensor with its codes
   * @param type the type after decoding
   * @param shape (outputs, inputs)
   * @param scheme the id of the scheme with such codes
   * @param options the options of that scheme
   * @param encoding its parts
   */
  EncodedWeight weight(
      ModelFiles.Located main,
      ElementType type,
      TensorShape shape,
      String scheme,
      OptionValues options,
      Encoding encoding) {
    TensorInfo info =
        new TensorInfo(module + "." + StoredWeight.CODES, type, shape, main.info().shard());
    LayerKind kind = HeldHeads.isTable(module) ? LayerKind.EMBEDDING : LayerKind.LINEAR;
    return new EncodedWeight(
            new WeightMatrix(module, kind, StoredWeight.CODES, info, 0),
            new SchemeId(scheme, 1),
            options,
            encoding)
        .withActivations(activations);
  }

  static String describe(ModelFiles.Located located) {
    return located.info().type().wire() + " " + located.info().shape();
  }

  static ModelFormatException fault(ModelFiles.Located located, String detail) {
    return new ModelFormatException(
        Reason.SHAPE,
        located.file().label(),
        "tensor " + quote(located.stored().name()),
        detail + "." + ADVICE);
  }
}
