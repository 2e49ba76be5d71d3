package dev.monoquant.core.store;

import dev.monoquant.core.run.TileGrid;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A quantized model whose codes are written in another encoding of the same values:
 *
 * <pre>
 * unsigned codes and zero points of b bits     both less 2^(b-1), signed
 * scale * factor, one factor for the tensor    scale / (1 / factor), and back
 * FP8 with scales in F32                       scales in the type of the weight, if all are exact
 * </pre>
 *
 * <p>The first two are done where the original encoding does not fit. The third is done wherever it
 * fits, since readers take the type of the scales for that of the weight; it costs a reading of
 * these weights.
 *
 * <p>The first and the third are exact. In the second the reciprocal is rounded to float32, so that
 * a decoded value may differ in its last bit of float32, before it is rounded to the type of the
 * weight. A divisor is the number with the fewest digits of those whose reciprocal is the factor,
 * so that a divisor of 16 bits is found again. Closing it closes the quantized model that it reads.
 */
final class RecodedSource implements ModelSource {

  /** Elements of a weight that are read at once, to look at its scales. */
  private static final int READ_AT_ONCE = 1 << 20;

  /** How far a divisor may be from the reciprocal of a factor, in units of the last place. */
  private static final int NEIGHBOURS = 2;

  /** A weight as it is stored and as it is written, and how its parts change. */
  private record Recoded(
      EncodedWeight stored, EncodedWeight made, Map<String, UnaryOperator<byte[]>> changes) {}

  private final ModelSource inner;
  private final ModelInfo info;
  private final Map<String, Recoded> recoded = new HashMap<>();

  /**
   * Recodes the weights of a model.
   *
   * @param inner the model
   * @param fits whether a weight can be written unchanged
   * @throws IOException if scales cannot be read
   */
  RecodedSource(ModelSource inner, Predicate<EncodedWeight> fits) throws IOException {
    this.inner = inner;
    List<EncodedWeight> weights = new ArrayList<>();
    for (EncodedWeight weight : inner.info().quantized()) {
      Optional<Recoded> other = fits.test(weight) ? narrowed(weight) : recode(weight);
      other = other.filter(r -> fits.test(r.made()));
      other.ifPresent(r -> recoded.put(weight.name(), r));
      weights.add(other.map(Recoded::made).orElse(weight));
    }
    this.info = inner.info().withQuantized(weights);
  }

  private Optional<Recoded> narrowed(EncodedWeight weight) throws IOException {
    ElementType type = weight.matrix().tensor().type();
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)
        || affine.scales().size() != 1
        || !weight.encoding().part(affine.codes()).type().isSmallFloat()) {
      return Optional.empty();
    }
    Part scale = weight.encoding().part(affine.scales().get(0).part());
    if (scale.type() != ElementType.FLOAT32
        || !scale.tiled()
        || (type != ElementType.BFLOAT16 && type != ElementType.FLOAT16)) {
      return Optional.empty();
    }
    Part narrow = new Part(scale.name(), type, scale.extent());
    UnaryOperator<byte[]> change = cells -> narrow.toBytes(scale.toFloats(cells));
    long rows = weight.matrix().rowCount();
    int step = TileGrid.height(weight, READ_AT_ONCE);
    for (long row = 0; row < rows; row += step) {
      RowRange range = new RowRange(row, (int) Math.min(step, rows - row));
      float[] exact = scale.toFloats(inner.readTile(weight, range).part(scale.name()));
      for (float value : exact) {
        if (Float.compare(type.round(value), value) != 0) {
          return Optional.empty();
        }
      }
    }
    List<Part> parts =
        weight.encoding().parts().stream().map(p -> p.equals(scale) ? narrow : p).toList();
    return Optional.of(
        new Recoded(
            weight,
            weight.withEncoding(new Encoding(parts, affine)),
            Map.of(scale.name(), change)));
  }

  private static Optional<Recoded> recode(EncodedWeight weight) {
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)) {
      return Optional.empty();
    }
    Map<String, UnaryOperator<byte[]>> changes = new HashMap<>();
    List<Part> parts = new ArrayList<>();
    List<Factor> factors = new ArrayList<>(affine.scales());
    int signed = 0;
    for (Part part : weight.encoding().parts()) {
      boolean code =
          affine.zeroPoint().isPresent()
              && (part.name().equals(affine.codes())
                  || part.name().equals(affine.zeroPoint().get()));
      boolean unsigned = code && part.type().isCode() && !part.type().signed();
      if (unsigned) {
        signed++;
        int half = 1 << (part.type().bits() - 1);
        changes.put(part.name(), cells -> less(cells, half));
      }
      parts.add(
          unsigned
              ? new Part(part.name(), ElementType.code(part.type().bits(), true), part.extent())
              : part);
      for (int i = 1; i < factors.size(); i++) {
        Factor factor = factors.get(i);
        if (factor.part().equals(part.name())
            && !part.tiled()
            && part.type() == ElementType.FLOAT32) {
          factors.set(i, new Factor(part.name(), !factor.divides()));
          changes.put(part.name(), cells -> reciprocals(part, cells, factor.divides()));
        }
      }
    }
    if (signed == 1 || changes.isEmpty()) {
      return Optional.empty();
    }
    Formula formula =
        new Formula.Affine(
            affine.codes(),
            factors,
            affine.zeroPoint(),
            affine.minimums(),
            affine.groupIndex(),
            affine.arithmetic());
    EncodedWeight made = weight.withEncoding(new Encoding(parts, formula));
    return Optional.of(new Recoded(weight, made, changes));
  }

  private static byte[] less(byte[] cells, int half) {
    byte[] signed = new byte[cells.length];
    for (int i = 0; i < cells.length; i++) {
      signed[i] = (byte) ((cells[i] & 0xff) - half);
    }
    return signed;
  }

  /** Factors of divisors, or divisors of factors. */
  private static byte[] reciprocals(Part part, byte[] cells, boolean ofDivisors) {
    float[] numbers = part.toFloats(cells);
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = ofDivisors ? 1 / numbers[i] : divisor(numbers[i]);
    }
    return part.toBytes(numbers);
  }

  private static float divisor(float factor) {
    float best = 1 / factor;
    int digits = Float.SIZE;
    int middle = Float.floatToRawIntBits(1 / factor);
    for (int bits = middle - NEIGHBOURS; bits <= middle + NEIGHBOURS; bits++) {
      float candidate = Float.intBitsToFloat(bits);
      int own = Float.SIZE - Integer.numberOfTrailingZeros(bits);
      if (1 / candidate == factor && own < digits) {
        best = candidate;
        digits = own;
      }
    }
    return best;
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    Recoded own = recoded.get(weight.name());
    if (own == null) {
      return inner.readTile(weight, rows);
    }
    EncodedTile tile = inner.readTile(own.stored(), rows);
    Map<String, byte[]> parts = new HashMap<>();
    own.changes().forEach((part, change) -> parts.put(part, change.apply(tile.part(part))));
    return tile.with(parts);
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return inner.read(tensor, offset, length);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    inner.readRows(matrix, rows, into);
  }

  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return inner.find(capability);
  }

  @Override
  public void close() {
    inner.close();
  }
}
