package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.core.text.Fields;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.EncodedWeight;

/**
 * A weight that will be quantized.
 *
 * @param weight the weight and its encoding
 * @param evidence the source of the kind of its layer
 * @param quantizer the id of the layer quantizer that selected it
 * @param remark how it will be stored or executed, from the output format; may be empty
 */
public record PlannedWeight(
    EncodedWeight weight, Layer.Evidence evidence, String quantizer, String remark) {

  /** Checks that nothing is null. */
  public PlannedWeight {
    requireNonNull(weight, "weight");
    requireNonNull(evidence, "evidence");
    requireNonNull(quantizer, "quantizer");
    requireNonNull(remark, "remark");
  }

  /**
   * {@return a copy with a remark of the output format}
   *
   * @param text a sentence; empty for none
   */
  public PlannedWeight withRemark(String text) {
    return new PlannedWeight(weight, evidence, quantizer, text);
  }

  /** {@return bytes of the weight in the input} */
  public long bytesBefore() {
    return weight.matrix().tensor().bytes();
  }

  /** {@return bytes before divided by bytes after; 1 if nothing is left} */
  public double compressionRatio() {
    return bytesAfter() == 0 ? 1 : (double) bytesBefore() / bytesAfter();
  }

  /** {@return bytes of all its parts, codes packed} */
  public long bytesAfter() {
    return weight.encoding().packedBytes(weight.matrix().rowCount(), weight.matrix().columnCount());
  }

  void describe(Fields out) {
    Described.weight(out, weight, bytesAfter());
    out.text("evidence", evidence.wire()).text("quantizer", quantizer).text("remark", remark);
  }
}
