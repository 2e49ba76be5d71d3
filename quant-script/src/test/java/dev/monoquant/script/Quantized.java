package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/** Quantizes weights of an archive, for tests. */
final class Quantized {

  private final ScriptArchive original;
  private final Rewriter rewriter;
  private final Modules modules;
  private final List<EncodedWeight> weights = new ArrayList<>();
  private final Map<String, Map<String, byte[]>> parts = new LinkedHashMap<>();
  private final Map<String, String> refused = new TreeMap<>();
  private List<Treatment> treatments = List.of();
  private OptionalInt attentions = OptionalInt.empty();

  Quantized(ScriptArchive original) {
    this.original = original;
    Script script = new Script(original.program(), "test", ReadLimits.DEFAULT);
    this.rewriter = script.rewriter();
    this.modules = script.modules();
  }

  /** {@return the names of all tensors of at least two dimensions that can be held} */
  List<String> candidates() {
    List<String> names = new ArrayList<>();
    modules
        .names()
        .forEach(
            name -> {
              PickleObject tensor = tensor(name);
              if (TensorView.of(tensor).filter(v -> v.sizes().size() > 1).isPresent()) {
                names.add(name);
              }
            });
    PickleTuple constants = original.program().constants();
    for (int i = 0; i < constants.size(); i++) {
      if (constants.get(i) instanceof PickleObject object
          && TensorView.of(object).filter(v -> v.sizes().size() > 1).isPresent()) {
        names.add("CONSTANTS.c" + i);
      }
    }
    return names;
  }

  private PickleObject tensor(String name) {
    if (name.startsWith("CONSTANTS.c")) {
      int index = Integer.parseInt(name.substring("CONSTANTS.c".length()));
      return (PickleObject) original.program().constants().get(index);
    }
    Modules.Place place = modules.find(name).orElseThrow();
    return place.module().tensors().get(place.attribute());
  }

  /** Adds a weight; if it is refused, nothing but its reason is kept. */
  Optional<String> add(String name, int rowAxis, PlainScheme scheme, OptionValues options) {
    return add(name, rowAxis, scheme, options, Optional.empty());
  }

  /**
   * Adds a weight, if it is not refused.
   *
   * @param factors by which its columns are multiplied before they are quantized, and divided again
   */
  Optional<String> add(
      String name,
      int rowAxis,
      PlainScheme scheme,
      OptionValues options,
      Optional<float[]> factors) {
    PickleObject tensor = tensor(name);
    TensorView view = TensorView.of(tensor).orElseThrow();
    TensorInfo info =
        new TensorInfo(
            name,
            type(tensor),
            TensorShape.of(view.sizes().stream().mapToLong(Long::longValue).toArray()));
    WeightMatrix rows = new WeightMatrix("", LayerKind.UNKNOWN, "weight", info, rowAxis);
    EncodedWeight plain = scheme.weight(rows, options);
    EncodedWeight weight =
        factors.isPresent()
            ? plain.withEncoding(plain.encoding().divided(rows.columnCount()))
            : plain;
    Optional<String> refusal = rewriter.refusal(weight);
    if (refusal.isPresent()) {
      refused.put(name, refusal.get());
      return refusal;
    }
    String folder = name.startsWith("CONSTANTS.") ? "constants" : "data";
    float[] numbers = original.rows(rows, tensor, folder);
    int cols = Math.toIntExact(rows.columnCount());
    factors.ifPresent(
        f -> {
          for (int i = 0; i < numbers.length; i++) {
            numbers[i] *= f[i % cols];
          }
        });
    Map<String, byte[]> encoded =
        new LinkedHashMap<>(scheme.encode(numbers, Math.toIntExact(rows.rowCount()), cols));
    weight
        .encoding()
        .columnFactors()
        .ifPresent(part -> encoded.put(part.name(), part.toBytes(factors.orElseThrow())));
    parts.put(name, encoded);
    weights.add(weight);
    return Optional.empty();
  }

  /** Adds every candidate. */
  Quantized addAll(PlainScheme scheme, OptionValues options) {
    candidates().forEach(name -> add(name, 0, scheme, options));
    return this;
  }

  static OptionValues options(Mode mode, int small) {
    return options(mode, Kernels.LASTING, small);
  }

  static OptionValues options(Mode mode, Kernels kernels, int small) {
    return new OptionValues(
        Map.of("mode", mode.wire(), "kernels", kernels.wire(), "small", Integer.toString(small)));
  }

  /** {@return the bytes of one part of a weight, which may be changed} */
  List<byte[]> part(String weight, String part) {
    return List.of(parts.get(weight).get(part));
  }

  Map<String, String> refused() {
    return refused;
  }

  List<EncodedWeight> weights() {
    return weights;
  }

  Rewriter rewriter() {
    return rewriter;
  }

  List<Treatment> treatments() {
    return treatments;
  }

  /** {@return the number of attentions that one kernel computes} */
  OptionalInt attentions() {
    return attentions;
  }

  ScriptArchive rewrite() {
    Rewritten rewritten = rewriter.rewrite(weights, List.of());
    treatments = rewritten.treatments();
    attentions = rewritten.attentions();
    return original.with(rewritten, parts);
  }

  /** {@return the archive whose holders measure themselves, and the names of what they measure} */
  Map.Entry<ScriptArchive, Map<String, String>> timed() {
    Rewritten made = rewriter.rewrite(weights, List.of());
    List<String> names = weights.stream().map(EncodedWeight::name).toList();
    TimedProgram timed = TimedProgram.of(made.program(), names);
    ScriptProgram program =
        new ScriptProgram(timed.code(), made.program().data(), made.program().constants());
    Rewritten changed =
        new Rewritten(
            program,
            made.storages(),
            made.cuts(),
            made.treatments(),
            made.decoded(),
            made.attentions());
    return Map.entry(original.with(changed, parts), timed.weights());
  }

  private static ElementType type(PickleObject tensor) {
    PickleTuple id = (PickleTuple) ((PicklePersistent) tensor.args().get(0)).id();
    return switch (((PickleValue.Global) id.get(1)).name()) {
      case "FloatStorage" -> ElementType.FLOAT32;
      case "HalfStorage" -> ElementType.FLOAT16;
      case "BFloat16Storage" -> ElementType.BFLOAT16;
      case "DoubleStorage" -> ElementType.FLOAT64;
      default -> ElementType.INT64;
    };
  }
}
