package dev.monoquant.testkit.laws;

import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.testkit.Repeatable;
import dev.monoquant.testkit.data.LayerSamples;
import dev.monoquant.testkit.data.OptionSamples;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Laws for a {@link LayerQuantizer} and any layer. */
public final class LayerQuantizerLaws {

  private LayerQuantizerLaws() {}

  /**
   * A layer quantizer, a layer, and options of the quantizer's own.
   *
   * @param quantizer the subject
   * @param layer any layer
   * @param options values that the quantizer's options allow
   */
  public record Case(LayerQuantizer quantizer, Layer layer, OptionValues options)
      implements Repeatable {

    /**
     * A case with every option at its default.
     *
     * @param quantizer the subject
     * @param layer any layer
     */
    public Case(LayerQuantizer quantizer, Layer layer) {
      this(quantizer, layer, OptionValues.DEFAULTS);
    }

    /** {@return the weights that the quantizer selects} */
    List<WeightMatrix> rows() {
      return quantizer.weights(layer, options);
    }

    @Override
    public String expression() {
      String values =
          options.texts().entrySet().stream()
              .map(e -> Repeatable.literal(e.getKey()) + ", " + Repeatable.literal(e.getValue()))
              .collect(Collectors.joining(", ", "new OptionValues(Map.of(", "))"));
      return "new LayerQuantizerLaws.Case(%s, %s, %s)"
          .formatted(Repeatable.creation(quantizer), expression(layer), values);
    }

    private static String expression(Layer layer) {
      String tensors =
          layer.tensors().entrySet().stream()
              .map(e -> Repeatable.literal(e.getKey()) + ", " + expression(e.getValue()))
              .collect(Collectors.joining(", "));
      return "new Layer(%s, new LayerKind(%s), Layer.Evidence.%s, Map.of(%s))"
          .formatted(
              Repeatable.literal(layer.name()),
              Repeatable.literal(layer.kind().name()),
              layer.evidence().name(),
              tensors);
    }

    private static String expression(TensorInfo tensor) {
      String dims =
          Arrays.stream(tensor.shape().dims())
              .mapToObj(Long::toString)
              .collect(Collectors.joining(", "));
      return "new TensorInfo(%s, ElementType.%s, TensorShape.of(%s))"
          .formatted(Repeatable.literal(tensor.name()), tensor.type().name(), dims);
    }

    @Override
    public String toString() {
      return "%s (%s) with %s on %s"
          .formatted(quantizer.id(), quantizer.getClass().getName(), options.texts(), layer);
    }
  }

  /** {@return every law about layers, the simplest first} */
  public static List<Law<Case>> all() {
    return List.of(
        new Law<>("idIsValid", c -> idIsValid(c.quantizer())),
        new Law<>("optionsAreDescribed", c -> optionsAreDescribed(c.quantizer())),
        new Law<>("neverThrows", LayerQuantizerLaws::neverThrows),
        new Law<>("decidesFromShapesAlone", LayerQuantizerLaws::decidesFromShapesAlone),
        new Law<>("noOptionsSelectAsDefaults", LayerQuantizerLaws::noOptionsSelectAsDefaults),
        new Law<>("rowsComeFromTheLayer", LayerQuantizerLaws::rowsComeFromTheLayer),
        new Law<>("selectsFloatTensors", LayerQuantizerLaws::selectsFloatTensors),
        new Law<>("leavesBiasesAndNorms", LayerQuantizerLaws::leavesBiasesAndNorms),
        new Law<>("ignoresUnknownKinds", LayerQuantizerLaws::ignoresUnknownKinds));
  }

  /**
   * The id is valid and the same at each call.
   *
   * @param quantizer the subject
   */
  public static void idIsValid(LayerQuantizer quantizer) {
    Ids.require("idIsValid", quantizer, quantizer::id);
  }

  /**
   * Its options are the same at each call and have unique names.
   *
   * @param quantizer the subject
   */
  public static void optionsAreDescribed(LayerQuantizer quantizer) {
    Described.options("optionsAreDescribed", quantizer, quantizer::options);
  }

  /**
   * Without options, it selects the same weights as with explicit or implicit defaults.
   *
   * @param c any case
   */
  public static void noOptionsSelectAsDefaults(Case c) {
    List<WeightMatrix> plain = c.quantizer().weights(c.layer());
    OptionValues said = OptionSamples.each(c.quantizer().options()).get(0);
    for (OptionValues defaults : List.of(OptionValues.DEFAULTS, said)) {
      List<WeightMatrix> rows = c.quantizer().weights(c.layer(), defaults);
      if (!rows.equals(plain)) {
        throw new LawViolation(
            "noOptionsSelectAsDefaults",
            c,
            "with " + defaults + " it selects " + rows + ", without options " + plain);
      }
    }
  }

  /**
   * It never throws, for any layer.
   *
   * @param c any case
   */
  public static void neverThrows(Case c) {
    try {
      for (WeightMatrix rows : c.rows()) {
        c.quantizer().symmetricByDefault(rows);
      }
    } catch (RuntimeException | LinkageError e) {
      throw new LawViolation("neverThrows", c, e.toString(), e);
    }
  }

  /**
   * The same layer, or an equal one, gives the same weights, and the same default for symmetric
   * quantization.
   *
   * @param c any case
   */
  public static void decidesFromShapesAlone(Case c) {
    String law = "decidesFromShapesAlone";
    List<WeightMatrix> first = List.copyOf(c.rows());
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    c.layer()
        .tensors()
        .forEach(
            (name, t) ->
                tensors.put(name, new TensorInfo(t.name(), t.type(), t.shape(), t.shard())));
    Layer equal = new Layer(c.layer().name(), c.layer().kind(), c.layer().evidence(), tensors);
    for (Layer layer : List.of(c.layer(), equal)) {
      List<WeightMatrix> again = c.quantizer().weights(layer, c.options());
      if (!again.equals(first)) {
        throw new LawViolation(
            law, c, "the first call returned " + first + ", the second " + again);
      }
    }
    for (WeightMatrix rows : first) {
      boolean once = c.quantizer().symmetricByDefault(rows);
      if (c.quantizer().symmetricByDefault(rows) != once) {
        throw new LawViolation(
            law, c, "the second call returned another default of symmetric for " + rows);
      }
    }
  }

  /**
   * Every selected tensor belongs to the layer, has its local name in the layer, and is selected
   * once.
   *
   * @param c any case
   */
  public static void rowsComeFromTheLayer(Case c) {
    String law = "rowsComeFromTheLayer";
    Set<String> params = new HashSet<>();
    for (WeightMatrix rows : c.rows()) {
      if (!rows.layer().equals(c.layer().name()) || !rows.kind().equals(c.layer().kind())) {
        throw new LawViolation(law, c, rows + " has the name or kind of another layer");
      }
      if (!c.layer().tensor(rows.param()).filter(rows.tensor()::equals).isPresent()) {
        throw new LawViolation(law, c, rows + " is not a tensor of the layer");
      }
      if (!params.add(rows.param())) {
        throw new LawViolation(law, c, rows.param() + " is selected twice");
      }
    }
  }

  /**
   * The selected tensors have a quantizable type and at least one element.
   *
   * @param c any case
   */
  public static void selectsFloatTensors(Case c) {
    for (WeightMatrix rows : c.rows()) {
      TensorInfo tensor = rows.tensor();
      if (!tensor.type().isQuantizable() || tensor.shape().elements() == 0) {
        throw new LawViolation(
            "selectsFloatTensors",
            c,
            "it selects %s, which is %s of shape %s"
                .formatted(rows.param(), tensor.type().wire(), tensor.shape()));
      }
    }
  }

  /**
   * Biases and all tensors of a normalisation layer are left unquantized: they are small, and their
   * errors add up over all inputs. A tensor of fewer than two dimensions is also left unquantized,
   * whatever its name, because it is not a matrix of outputs and inputs.
   *
   * @param c any case
   */
  public static void leavesBiasesAndNorms(Case c) {
    for (WeightMatrix rows : c.rows()) {
      if (rows.param().toLowerCase(Locale.ROOT).contains("bias")
          || rows.tensor().shape().rank() < 2
          || c.layer().kind().equals(LayerKind.NORM)) {
        throw new LawViolation("leavesBiasesAndNorms", c, rows.param() + " is selected");
      }
    }
  }

  /**
   * It ignores an unknown kind, because the meaning of its tensors is unknown.
   *
   * @param c any case
   */
  public static void ignoresUnknownKinds(Case c) {
    LayerKind kind = c.layer().kind();
    boolean foreign = kind.equals(LayerKind.UNKNOWN) || kind.equals(LayerSamples.FOREIGN);
    if (foreign && !c.rows().isEmpty()) {
      throw new LawViolation("ignoresUnknownKinds", c, c.rows() + " is selected");
    }
  }
}
