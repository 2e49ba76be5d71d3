package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The description of a plugin's option: name, type, allowed values, default and help. It also
 * checks values, so that configuration, command line and plugin list agree. {@link CommonOptions}
 * has the options that schemes share.
 *
 * <pre>{@code
 * static final OptionSpec<Integer> ITERATIONS =
 *     OptionSpec.integer("iterations", 20, 1, 1000, "Steps of the refinement");
 *
 * int steps = options.get(ITERATIONS);
 * }</pre>
 *
 * <p>Values are passed as text in a canonical form, which is also written to outputs: whole numbers
 * without leading zeros, other numbers as in {@link Double#toString(double)}. Immutable.
 *
 * @param <T> Integer, Double, Boolean, String, or {@link dev.monoquant.tile.Granularity}
 */
public final class OptionSpec<T> {

  private final String name;
  private final String type;
  private final String allowed;
  private final T defaultValue;
  private final String help;
  private final List<T> bounds;
  private final Function<String, @Nullable T> read;
  private final Function<T, String> write;
  private final boolean implied;
  private final List<String> examples;

  private OptionSpec(
      String name,
      String type,
      String allowed,
      T defaultValue,
      String help,
      List<T> bounds,
      Function<String, @Nullable T> read) {
    this(name, type, allowed, defaultValue, help, bounds, read, String::valueOf, false);
  }

  OptionSpec(
      String name,
      String type,
      String allowed,
      T defaultValue,
      String help,
      List<T> bounds,
      Function<String, @Nullable T> read,
      Function<T, String> write,
      boolean implied) {
    if (!name.matches("[a-z][a-z0-9-]{0,63}")) {
      throw new IllegalArgumentException(
          "option name " + name + ": lower case letters, digits and dashes are allowed");
    }
    if (help.isBlank() || help.contains("\n")) {
      throw new IllegalArgumentException("the help of option " + name + " is one line, not blank");
    }
    this.name = name;
    this.type = type;
    this.allowed = allowed;
    this.defaultValue = requireNonNull(defaultValue, "defaultValue");
    this.help = help;
    this.bounds = bounds;
    this.read = read;
    this.write = write;
    this.implied = implied;
    Set<String> some = new LinkedHashSet<>();
    some.add(write.apply(defaultValue));
    bounds.forEach(value -> some.add(write.apply(value)));
    this.examples = List.copyOf(some);
    if (!defaultValue.equals(read.apply(write.apply(defaultValue)))) {
      throw new IllegalArgumentException(
          "the default of option "
              + name
              + " is "
              + text(defaultValue)
              + "; allowed is "
              + allowed);
    }
  }

  /**
   * {@return an option with a whole number as value}
   *
   * @param name lower case letters, digits and dashes
   * @param defaultValue within the range
   * @param min the smallest allowed value
   * @param max the largest allowed value
   * @param help one line
   */
  public static OptionSpec<Integer> integer(
      String name, int defaultValue, int min, int max, String help) {
    return new OptionSpec<>(
        name,
        "integer",
        "a whole number from " + min + " to " + max,
        defaultValue,
        help,
        List.of(min, max),
        text -> {
          try {
            int value = Integer.parseInt(text);
            return value >= min && value <= max ? value : null;
          } catch (NumberFormatException e) {
            return null;
          }
        });
  }

  /**
   * {@return an option with a finite number as value}
   *
   * @param name lower case letters, digits and dashes
   * @param defaultValue within the range
   * @param min the smallest allowed value
   * @param max the largest allowed value
   * @param help one line
   */
  public static OptionSpec<Double> number(
      String name, double defaultValue, double min, double max, String help) {
    return new OptionSpec<>(
        name,
        "number",
        "a number from " + min + " to " + max,
        defaultValue,
        help,
        // As parsed values: zero has one canonical form.
        List.of(min + 0.0, max + 0.0),
        text -> {
          try {
            // Adding zero drops the sign of a zero, so that zero has one canonical form.
            double value = Double.parseDouble(text) + 0.0;
            return value >= min && value <= max ? value : null;
          } catch (NumberFormatException e) {
            return null;
          }
        });
  }

  /**
   * {@return an option with true or false as value}
   *
   * @param name lower case letters, digits and dashes
   * @param defaultValue the default
   * @param help one line
   */
  public static OptionSpec<Boolean> flag(String name, boolean defaultValue, String help) {
    return new OptionSpec<>(
        name,
        "flag",
        "true or false",
        defaultValue,
        help,
        List.of(false, true),
        text -> text.equals("true") ? Boolean.TRUE : text.equals("false") ? Boolean.FALSE : null);
  }

  /**
   * {@return an option with one of a list of words as value}
   *
   * @param name lower case letters, digits and dashes
   * @param defaultValue one of the words
   * @param words the allowed values, case-sensitive
   * @param help one line
   */
  public static OptionSpec<String> choice(
      String name, String defaultValue, List<String> words, String help) {
    List<String> all = List.copyOf(words);
    return new OptionSpec<>(
        name,
        "choice",
        "one of " + String.join(", ", all),
        defaultValue,
        help,
        all,
        text -> all.contains(text) ? text : null);
  }

  /**
   * {@return this option with an implied default: outputs do not record it. If a plugin adds the
   * option, the outputs of configurations that do not set it stay equal to the byte}
   */
  public OptionSpec<T> implied() {
    return new OptionSpec<>(name, type, allowed, defaultValue, help, bounds, read, write, true);
  }

  /** {@return whether values leave out the default, see {@link #implied}} */
  public boolean isImplied() {
    return implied;
  }

  /** {@return the name, as in {@code --option name=value}; see {@link CommonOptions#NAMES}} */
  public String name() {
    return name;
  }

  /**
   * {@return {@code integer}, {@code number}, {@code flag}, {@code choice} or {@code granularity}}
   */
  public String type() {
    return type;
  }

  /**
   * {@return a description of the allowed values, such as {@code a whole number from 1 to 1000}}
   */
  public String allowed() {
    return allowed;
  }

  /** {@return the value if the option is not set} */
  public T defaultValue() {
    return defaultValue;
  }

  /** {@return the description of the option, in one line} */
  public String help() {
    return help;
  }

  /**
   * Parses and checks a value.
   *
   * @param text the text of the value
   * @return the value
   * @throws ConfigurationException if the value is not allowed; the message lists the allowed
   *     values
   */
  public T parse(String text) {
    T value = read.apply(text);
    if (value == null) {
      throw new ConfigurationException(
          String.format(
              Locale.ROOT,
              "option %s is %s; it must be %s. Example: %s",
              name,
              QuantException.quote(text),
              allowed,
              argument(name, text(defaultValue))));
    }
    return value;
  }

  /**
   * {@return the canonical text of a value, which {@link #parse} accepts}
   *
   * @param value a value
   */
  public String text(T value) {
    return write.apply(value);
  }

  /**
   * {@return the command-line argument that sets an option, such as {@code --bits 8}, {@code
   * --asymmetric} or {@code --option iterations=20}}
   *
   * @param name the name of an option, one of the four or one declared by a plugin
   * @param text its value in canonical form
   */
  public static String argument(String name, String text) {
    return switch (name) {
      case "symmetric" -> text.equals("true") ? "--symmetric" : "--asymmetric";
      case "bits", "granularity", "profile" -> "--" + name + " " + text;
      default -> "--option " + name + "=" + text;
    };
  }

  /**
   * {@return the canonical form of a value}
   *
   * @param text the text of the value
   * @throws ConfigurationException if the value is not allowed; the message lists the allowed
   *     values
   */
  public String canonical(String text) {
    return text(parse(text));
  }

  /**
   * {@return examples of allowed values in canonical form for tests, the default first: both ends
   * of a range, every word}
   */
  public List<String> examples() {
    return examples;
  }

  /** {@return such as {@code iterations (a whole number from 1 to 1000, default 20)}} */
  @Override
  public String toString() {
    return name + " (" + allowed + ", default " + text(defaultValue) + ")";
  }
}
