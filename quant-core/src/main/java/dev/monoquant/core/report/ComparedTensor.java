package dev.monoquant.core.report;

import dev.monoquant.core.text.Fields;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;

/**
 * A tensor that two models have in common.
 *
 * @param name its full name
 * @param typeA its element type in the first model, as floats if it is quantized there
 * @param typeB its element type in the second model
 * @param shape its shape in both
 * @param equal whether all bytes are equal
 * @param errors the errors of the second model with the first as the original; empty statistics if
 *     the tensor is not floating point
 */
public record ComparedTensor(
    String name,
    ElementType typeA,
    ElementType typeB,
    TensorShape shape,
    boolean equal,
    ErrorStatistics errors) {

  void describe(Fields out) {
    out.text("name", name).text("type_a", typeA.wire()).text("type_b", typeB.wire());
    Described.shape(out, shape);
    out.flag("equal", equal).object("errors", fields -> Described.errors(fields, errors));
  }
}
