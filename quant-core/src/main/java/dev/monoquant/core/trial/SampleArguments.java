package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import dev.monoquant.ConfigurationException;
import dev.monoquant.core.trial.ModelCall.Argument;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.RunnableFile.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Makes the arguments of a method from the arrays of a sample, by the declared types of its
 * parameters: the array {@code x} is the tensor, number, text or list of numbers {@code x}; the
 * arrays {@code x.0} and {@code x.1} are the items of a list of tensors or of a tuple, and {@code
 * x.KEY} those of a dict.
 */
final class SampleArguments {

  private static final String OPTIONAL = "Optional[";

  /** The most items of a list; each is looked up by name. */
  private static final int MOST_ITEMS = 100_000;

  private final String sample;
  private final Method method;
  private final Map<String, NDArray> arrays;

  private SampleArguments(String sample, Method method, Map<String, NDArray> arrays) {
    this.sample = sample;
    this.method = method;
    this.arrays = arrays;
  }

  /**
   * {@return the arguments, without those at the end that are left to their defaults}
   *
   * @param sample the name of the sample, for messages
   * @param method the method
   * @param arrays the arrays for it by name
   * @throws ConfigurationException if a parameter has no array, or one that does not fit
   */
  static List<Argument> of(String sample, Method method, Map<String, NDArray> arrays) {
    SampleArguments all = new SampleArguments(sample, method, arrays);
    List<Argument> arguments = new ArrayList<>();
    Optional<Parameter> missing = Optional.empty();
    for (Parameter parameter : method.parameters()) {
      Optional<Argument> argument = all.argument(parameter.type(), parameter.name());
      if (argument.isPresent() && missing.isEmpty()) {
        arguments.add(argument.get());
      } else if (argument.isPresent() || !parameter.optional()) {
        throw all.missing(missing.orElse(parameter));
      } else if (missing.isEmpty()) {
        missing = Optional.of(parameter);
      }
    }
    return arguments;
  }

  /** {@return a signature for messages, such as {@code forward(x: Tensor, rate: int)}} */
  static String signature(Method method) {
    List<String> parameters =
        method.parameters().stream()
            .map(p -> p.name() + ": " + p.type() + (p.optional() ? " = ..." : ""))
            .toList();
    return method.name() + "(" + String.join(", ", parameters) + ")";
  }

  /** {@return what a sample must have for a parameter} */
  static String needed(String type, String name) {
    return switch (type) {
      case "Tensor" -> "an array " + name;
      case "int" -> "an array " + name + " of one integer, such as numpy.int64(3)";
      case "float", "number" -> "an array " + name + " of one number, such as numpy.float64(0.5)";
      case "bool" -> "an array " + name + " of one bool, such as numpy.bool_(True)";
      case "str" -> "an array " + name + " of one text, such as numpy.str_(\"en\")";
      case "List[int]", "List[float]", "List[bool]" ->
          "an array " + name + " of one dimension, such as numpy.array([3, 4])";
      case "List[Tensor]" -> "arrays " + name + ".0, " + name + ".1 and so on";
      case "Dict[str, Tensor]" -> "an array " + name + ".KEY for each key";
      default ->
          type.startsWith(OPTIONAL)
              ? needed(inner(type), name)
              : type.startsWith("Tuple[")
                  ? items(type).size() + " items: " + String.join(", ", itemsNeeded(type, name))
                  : "a module whose method takes another type: samples are tensors, numbers, bools,"
                      + " texts, and lists, tuples and dicts of them";
    };
  }

  private static List<String> itemsNeeded(String type, String name) {
    List<String> needed = new ArrayList<>();
    for (String item : items(type)) {
      needed.add(needed(item, name + "." + needed.size()));
    }
    return needed;
  }

  private ConfigurationException missing(Parameter parameter) {
    return new ConfigurationException(
        sample
            + ": it has nothing for the parameter "
            + parameter.name()
            + " of "
            + signature(method)
            + ", which takes "
            + needed(parameter.type(), prefix() + parameter.name())
            + "; it has "
            + arrays.keySet()
            + ". An .npz file can hold all of these: numpy.savez(\"sample.npz\", ...)");
  }

  private String prefix() {
    return method.name().equals(ModelCall.FORWARD) ? "" : method.name() + ":";
  }

  private Optional<Argument> argument(String type, String name) {
    if (type.startsWith(OPTIONAL)) {
      return argument(inner(type), name);
    }
    if (type.startsWith("Tuple[")) {
      return tuple(type, name);
    }
    if (type.equals("List[Tensor]")) {
      return tensors(name);
    }
    if (type.equals("Dict[str, Tensor]")) {
      return dict(name);
    }
    NDArray array = arrays.get(name);
    return array == null ? Optional.empty() : Optional.of(single(type, name, array));
  }

  private Optional<Argument> tuple(String type, String name) {
    List<Argument> items = new ArrayList<>();
    List<String> types = items(type);
    for (String item : types) {
      argument(item, name + "." + items.size()).ifPresent(items::add);
    }
    return items.size() == types.size() && !items.isEmpty()
        ? Optional.of(new Argument.OfTuple(items))
        : Optional.empty();
  }

  private Optional<Argument> tensors(String name) {
    List<NDArray> items = new ArrayList<>();
    for (int i = 0; i < MOST_ITEMS; i++) {
      NDArray item = arrays.get(name + "." + i);
      if (item == null) {
        break;
      }
      items.add(item);
    }
    // As the engine names the only item of a list.
    NDArray only = arrays.get(name + "[]");
    if (items.isEmpty() && only != null) {
      items.add(only);
    }
    return items.isEmpty() ? Optional.empty() : Optional.of(new Argument.OfTensors(items));
  }

  private Optional<Argument> dict(String name) {
    Map<String, NDArray> items = new LinkedHashMap<>();
    String start = name + ".";
    new TreeMap<>(arrays)
        .forEach(
            (key, array) -> {
              if (key.startsWith(start)) {
                items.put(key.substring(start.length()), array);
              }
            });
    return items.isEmpty() ? Optional.empty() : Optional.of(new Argument.OfDict(items));
  }

  private Argument single(String type, String name, NDArray array) {
    boolean whole = !array.getDataType().isFloating();
    boolean scalar = array.getShape().size() == 1;
    boolean line = array.getShape().dimension() <= 1;
    Optional<Argument> made =
        switch (type) {
          case "Tensor" -> Optional.of(new Argument.OfTensor(array));
          case "int" -> only(scalar && whole, () -> new Argument.OfInt(longs(array)[0]));
          case "float" -> only(scalar, () -> new Argument.OfFloat(OutputMeter.doubles(array)[0]));
          case "number" ->
              only(
                  scalar,
                  () ->
                      whole
                          ? new Argument.OfInt(longs(array)[0])
                          : new Argument.OfFloat(OutputMeter.doubles(array)[0]));
          case "bool" -> only(scalar && whole, () -> new Argument.OfBool(longs(array)[0] != 0));
          case "str" -> only(line && whole, () -> new Argument.OfText(text(longs(array))));
          case "List[int]" ->
              only(
                  line && whole,
                  () -> new Argument.OfInts(Arrays.stream(longs(array)).boxed().toList()));
          case "List[float]" ->
              only(
                  line,
                  () ->
                      new Argument.OfFloats(
                          Arrays.stream(OutputMeter.doubles(array)).boxed().toList()));
          case "List[bool]" ->
              only(
                  line && whole,
                  () ->
                      new Argument.OfBools(
                          Arrays.stream(longs(array)).mapToObj(n -> n != 0).toList()));
          default -> Optional.empty();
        };
    return made.orElseThrow(
        () ->
            new ConfigurationException(
                sample
                    + ": its array "
                    + name
                    + " is "
                    + array.getDataType()
                    + " of shape "
                    + array.getShape()
                    + ", and the parameter of "
                    + signature(method)
                    + " takes "
                    + needed(type, prefix() + name)));
  }

  private static Optional<Argument> only(
      boolean fits, java.util.function.Supplier<Argument> argument) {
    return fits ? Optional.of(argument.get()) : Optional.empty();
  }

  private static long[] longs(NDArray array) {
    try (NDArray wide = array.toType(DataType.INT64, true)) {
      return wide.toLongArray();
    }
  }

  /** {@return the text of code points, which numpy fills up with zeros} */
  private static String text(long[] points) {
    StringBuilder text = new StringBuilder();
    for (long point : points) {
      if (point > 0 && point <= Character.MAX_CODE_POINT) {
        text.appendCodePoint((int) point);
      }
    }
    return text.toString();
  }

  /** {@return the type in the brackets} */
  private static String inner(String type) {
    return type.substring(type.indexOf('[') + 1, type.length() - 1).strip();
  }

  /** {@return the types of the items of a tuple} */
  private static List<String> items(String type) {
    String text = inner(type);
    List<String> items = new ArrayList<>();
    int depth = 0;
    int from = 0;
    for (int at = 0; at < text.length(); at++) {
      char c = text.charAt(at);
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      if (c == ',' && depth == 0) {
        items.add(text.substring(from, at).strip());
        from = at + 1;
      }
    }
    items.add(text.substring(from).strip());
    items.removeIf(String::isEmpty);
    return items;
  }
}
