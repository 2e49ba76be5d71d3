package dev.monoquant.core.store;

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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A quantized model whose codes are written in another encoding of the same values, where the
 * original encoding does not fit:
 *
 * <pre>
 * unsigned codes and zero points of b bits     both less 2^(b-1), signed
 * scale * factor, one factor for the tensor    scale / (1 / factor)
 * </pre>
 *
 * <p>The first is exact. In the second the reciprocal is rounded to float32, so that a decoded
 * value may differ in its last bit of float32, before it is rounded to the type of the weight.
 * Closing it closes the quantized model that it reads.
 */
final class RecodedSource implements ModelSource {

  /** A weight as it is stored, and the parts that are written differently. */
  private record Recoded(
      EncodedWeight stored, EncodedWeight made, Set<String> signed, Set<String> reciprocal) {}

  private final ModelSource inner;
  private final ModelInfo info;
  private final Map<String, Recoded> recoded = new HashMap<>();

  /**
   * @param fits whether a weight fits unchanged
   */
  RecodedSource(ModelSource inner, Predicate<EncodedWeight> fits) {
    this.inner = inner;
    List<EncodedWeight> weights = new ArrayList<>();
    for (EncodedWeight weight : inner.info().quantized()) {
      Optional<Recoded> other =
          fits.test(weight) ? Optional.empty() : recode(weight).filter(r -> fits.test(r.made()));
      other.ifPresent(r -> recoded.put(weight.name(), r));
      weights.add(other.map(Recoded::made).orElse(weight));
    }
    this.info = inner.info().withQuantized(weights);
  }

  private static Optional<Recoded> recode(EncodedWeight weight) {
    if (!(weight.encoding().formula() instanceof Formula.Affine affine)) {
      return Optional.empty();
    }
    Set<String> signed = new HashSet<>();
    Set<String> reciprocal = new HashSet<>();
    List<Part> parts = new ArrayList<>();
    List<Factor> factors = new ArrayList<>(affine.scales());
    for (Part part : weight.encoding().parts()) {
      boolean code =
          affine.zeroPoint().isPresent()
              && (part.name().equals(affine.codes())
                  || part.name().equals(affine.zeroPoint().get()));
      boolean unsigned = code && part.type().isCode() && !part.type().signed();
      if (unsigned) {
        signed.add(part.name());
      }
      parts.add(
          unsigned
              ? new Part(part.name(), ElementType.code(part.type().bits(), true), part.extent())
              : part);
      Factor factor = Factor.times(part.name());
      int at = factors.indexOf(factor);
      if (at > 0 && !part.tiled() && part.type() == ElementType.FLOAT32) {
        factors.set(at, Factor.over(part.name()));
        reciprocal.add(part.name());
      }
    }
    if (signed.size() == 1 || (signed.isEmpty() && reciprocal.isEmpty())) {
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
    return Optional.of(new Recoded(weight, made, signed, reciprocal));
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
    for (String name : own.signed()) {
      byte[] cells = tile.part(name).clone();
      int half = 1 << (own.stored().encoding().part(name).type().bits() - 1);
      for (int i = 0; i < cells.length; i++) {
        cells[i] = (byte) ((cells[i] & 0xff) - half);
      }
      parts.put(name, cells);
    }
    for (String name : own.reciprocal()) {
      Part part = own.stored().encoding().part(name);
      float[] factors = part.toFloats(tile.part(name));
      for (int i = 0; i < factors.length; i++) {
        factors[i] = 1 / factors[i];
      }
      parts.put(name, part.toBytes(factors));
    }
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
