package dev.monoquant.files.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Formula.Factor;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Formulas with minimums and a group index as JSON, and back. */
class WeightJsonTest {

  private static final int COLS = 6;

  private static EncodedWeight weight(Encoding encoding) {
    TensorInfo tensor = new TensorInfo("w", ElementType.FLOAT32, TensorShape.of(4, COLS));
    return new EncodedWeight(
        new WeightMatrix("", LayerKind.LINEAR, "weight", tensor, 0),
        new SchemeId("acme/any", 1),
        OptionValues.DEFAULTS,
        encoding);
  }

  private static EncodedWeight read(JsonValue json) {
    return WeightJson.read(
        "w",
        json,
        "",
        new JsonFields.Fault("file", "monoquant.weights"),
        Set.of(),
        (weight, fields) -> weight);
  }

  private static EncodedWeight full() {
    Formula.Affine affine =
        new Formula.Affine("codes", List.of(Factor.times("scale")), Optional.empty());
    return weight(
        new Encoding(
            List.of(
                Part.perElement("codes", ElementType.UINT4),
                Part.perGroup("scale", ElementType.FLOAT16, 2),
                Part.perGroup("least", ElementType.FLOAT16, 2),
                new Part("index", ElementType.INT32, new Part.Whole(TensorShape.of(COLS)))),
            affine
                .withMinimums(List.of(Factor.over("least")), ElementType.FLOAT16)
                .withGroupIndex("index")));
  }

  @Test
  void aFormulaWithEverythingIsReadAsItWasWritten() {
    JsonValue json = new JsonValue.Obj(WeightJson.write(full()));
    assertThat(((JsonValue.Obj) json).members().get("formula").toString())
        .contains("minimums", "/least", "group_index", "arithmetic", "F16");
    assertThat(read(json)).isEqualTo(full());
  }

  @Test
  void aDividedFormulaIsReadAsItWasWritten() {
    EncodedWeight divided = weight(full().encoding().divided(COLS));
    JsonValue json = new JsonValue.Obj(WeightJson.write(divided));
    assertThat(((JsonValue.Obj) json).members().get("formula").toString())
        .contains("divided", "column_factors", "group_index");
    assertThat(read(json)).isEqualTo(divided);
  }

  @Test
  void columnsAreDividedOnceAndByAsManyFactors() {
    assertThatThrownBy(() -> full().encoding().divided(COLS).divided(COLS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot be divided");
    assertThatThrownBy(() -> new Formula.Divided(new Formula.Opaque(), "f"))
        .hasMessageContaining("cannot be divided");
    assertThatThrownBy(() -> weight(full().encoding().divided(COLS + 1)))
        .hasMessageContaining("factors of " + (COLS + 1) + " numbers for " + COLS + " columns");
  }

  @Test
  void fieldsThatAFormulaDoesNotUseAreLeftOut() {
    EncodedWeight plain =
        weight(
            new Encoding(
                List.of(
                    Part.perElement("c", ElementType.INT8), Part.perRow("s", ElementType.FLOAT32)),
                new Formula.Affine("c", List.of(Factor.times("s")), Optional.empty())));
    JsonValue json = new JsonValue.Obj(WeightJson.write(plain));
    assertThat(json.toString()).doesNotContain("minimums", "group_index", "arithmetic");
    assertThat(read(json)).isEqualTo(plain);
  }

  private static void assertRefused(String field, JsonValue value, String message) {
    Map<String, JsonValue> weight = new TreeMap<>(WeightJson.write(full()));
    Map<String, JsonValue> formula =
        new TreeMap<>(((JsonValue.Obj) weight.get("formula")).members());
    formula.put(field, value);
    weight.put("formula", new JsonValue.Obj(formula));
    assertThatThrownBy(() -> read(new JsonValue.Obj(weight)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesFieldsThatDoNotFit() {
    assertRefused("minimums", JsonValue.of("least"), "minimums is no array");
    assertRefused("group_index", JsonValue.of("least"), "a part least that is not there, or twice");
    assertRefused("arithmetic", JsonValue.of("F64"), "F32, F16 or BF16");
    assertRefused("bias", JsonValue.of("x"), "exactly the fields [arithmetic, codes, group_index");
  }
}
