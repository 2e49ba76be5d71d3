package dev.monoquant.core.text;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Formats values for people, independent of the locale. */
public final class Text {

  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final int MAX_NAME = 72;

  /** What remains at least of each end of a name whose numbers are kept. */
  private static final int LEAST_HALF = 4;

  private Text() {}

  /** Formats independently of the locale, unlike {@link String#formatted}. */
  public static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** Such as {@code 12 B} or {@code 3.4 MiB}. */
  public static String bytes(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    double value = bytes / 1024.0;
    int unit = 0;
    while (value >= 1023.95 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return format("%.1f %s", value, UNITS[unit]);
  }

  /** Such as {@code 3.97x}. */
  public static String ratio(double ratio) {
    return format(ratio < 100 ? "%.2fx" : "%.0fx", ratio);
  }

  /** Such as {@code 600.0 KiB -> 151.2 KiB (3.97x smaller)}. */
  public static String change(long before, long after) {
    String sizes = bytes(before) + " -> " + bytes(after);
    if (before == 0 || after == 0 || before == after) {
      return sizes;
    }
    return after < before
        ? sizes + " (" + ratio((double) before / after) + " smaller)"
        : sizes + " (" + ratio((double) after / before) + " larger)";
  }

  /**
   * Such as {@code 44.12}; {@code exact} if there is no error, {@code -} if there are no numbers.
   */
  public static String decibels(double db) {
    return Double.isNaN(db) ? "-" : db == Double.POSITIVE_INFINITY ? "exact" : format("%.2f", db);
  }

  /** Such as {@code 1.234e-03}; {@code 0} for zero, {@code none} for an infinite bound. */
  public static String error(double error) {
    return error == 0 ? "0" : Double.isInfinite(error) ? "none" : format("%.3e", error);
  }

  /** Such as {@code 0.999987}, never rounded up to 1; {@code -} if there are no numbers. */
  public static String cosine(double cosine) {
    if (Double.isNaN(cosine)) {
      return "-";
    }
    return cosine == 1 ? "1" : format("%.6f", Math.floor(cosine * 1_000_000) / 1_000_000);
  }

  /** A number with enough digits to differ from another number. */
  public static String number(double number, double other, int digits) {
    for (int places = digits; places <= 17; places++) {
      String text = format("%." + places + "f", number);
      if (number == other || !text.equals(format("%." + places + "f", other))) {
        return text;
      }
    }
    return Double.toString(number);
  }

  /** Such as {@code 64x32x3x3}; {@code scalar} for rank 0. */
  public static String shape(TensorShape shape) {
    if (shape.rank() == 0) {
      return "scalar";
    }
    StringBuilder out = new StringBuilder();
    for (int axis = 0; axis < shape.rank(); axis++) {
      out.append(axis == 0 ? "" : "x").append(shape.dim(axis));
    }
    return out.toString();
  }

  /** Such as {@code int8 channel} or {@code int4 group:128 asymmetric}. */
  public static String shortScheme(EncodedWeight weight) {
    OptionValues options = weight.options();
    StringBuilder out = new StringBuilder(weight.scheme().name());
    options.find(CommonOptions.GRANULARITY).ifPresent(v -> out.append(' ').append(v.wire()));
    if (!options.find(CommonOptions.SYMMETRIC).orElse(true)) {
      out.append(" asymmetric");
    }
    return out.toString();
  }

  /** The same with the profile and every option of the scheme and of the output. */
  public static String scheme(EncodedWeight weight) {
    OptionValues options = weight.options();
    StringBuilder out = new StringBuilder(shortScheme(weight));
    options
        .find(CommonOptions.PROFILE)
        .filter(profile -> !profile.equals(CommonOptions.COMPRESSED_TENSORS))
        .ifPresent(profile -> out.append(' ').append(profile));
    for (Map<String, String> set : List.of(options.own(), weight.storage().texts())) {
      set.forEach((k, v) -> out.append(' ').append(name(k)).append('=').append(name(v)));
    }
    return out.toString();
  }

  /**
   * A name that may come from a file: quoted if it contains characters that a terminal or a CI
   * runner interprets, with its middle left out if it is very long.
   */
  public static String name(String name) {
    if (!isPlain(name)) {
      String quoted = QuantException.quote(name);
      if (!quoted.equals('"' + name + '"') || name.contains("::")) {
        return quoted;
      }
    }
    if (name.isEmpty()) {
      return "(root)";
    }
    return shortened(name, MAX_NAME);
  }

  /** Whether a name is shown as it is, as most are: letters, digits and the like, not too many. */
  private static boolean isPlain(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '[' || c == ':') {
        return false;
      }
    }
    return name.length() <= MAX_NAME;
  }

  /**
   * A name with its middle left out, so that at most {@code letters} remain; {@code letters} is at
   * least 5. Numbers between dots stay, if there is room, because the names of repeated layers
   * differ in nothing else.
   */
  static String shortened(String name, int letters) {
    if (name.length() <= letters) {
      return name;
    }
    int[] points = name.codePoints().toArray();
    if (points.length <= letters) {
      return name;
    }
    int half = (letters - 3) / 2;
    String plain = shortened(points, half, "...");
    String numbers = "";
    while (true) {
      String left = numbers(points, half);
      if (left.equals(numbers)) {
        return left.isEmpty() ? plain : shortened(points, half, "..." + left + "...");
      }
      numbers = left;
      half = (letters - 6 - left.length()) / 2;
      if (half < LEAST_HALF) {
        return plain;
      }
    }
  }

  private static String shortened(int[] points, int half, String middle) {
    return new String(points, 0, half) + middle + new String(points, points.length - half, half);
  }

  /** The numbers between dots of which a digit is not in the halves. */
  private static String numbers(int[] points, int half) {
    StringBuilder out = new StringBuilder();
    int start = 0;
    for (int i = 0; i <= points.length; i++) {
      if (i == points.length || points[i] == '.') {
        int end = i;
        boolean number =
            start < end && IntStream.range(start, end).allMatch(at -> isDigit(points[at]));
        if (number && end > half && start < points.length - half) {
          out.append(out.isEmpty() ? "" : ".").append(new String(points, start, end - start));
        }
        start = i + 1;
      }
    }
    return out.toString();
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  /** Names in one line: the first few, and how many more there are. */
  public static String names(List<String> names, int max) {
    String shown = names.stream().limit(max).map(Text::name).collect(Collectors.joining(", "));
    return names.size() <= max ? shown : shown + " and " + (names.size() - max) + " more";
  }

  /** Such as {@code 1 tensor} or {@code 5 tensors}. */
  public static String count(long n, String noun) {
    return n + " " + noun + (n == 1 ? "" : "s");
  }

  /** Tensors that were scaled before they were quantized, one per line. */
  public static void edits(Map<String, String> edits, StringBuilder out) {
    if (!edits.isEmpty()) {
      out.append(
          format(
              "note: %s scaled before the model was quantized, so that other numbers are in their"
                  + " place and the model computes the same:\n",
              edits.size() == 1 ? "1 tensor was" : edits.size() + " tensors were"));
      edits.forEach((name, how) -> out.append(format("  %s: %s\n", name(name), line(how))));
    }
  }

  /** Problems, one per line. */
  public static void problems(List<Problem> problems, StringBuilder out) {
    for (Problem problem : problems) {
      out.append(
              switch (problem.severity()) {
                case NOTE -> "note: ";
                case WARNING -> "warning: ";
                case ERROR -> "error: ";
              })
          .append(line(problem.toString()))
          .append('\n');
    }
  }

  /**
   * A message in one line, with characters that a terminal interprets escaped, and what the runner
   * of GitHub Actions takes for a command: {@code ::} after nothing but blanks, and {@code ##[}.
   */
  public static String line(String message) {
    StringBuilder out = new StringBuilder(message.length());
    boolean start = true;
    for (int i = 0; i < message.length(); i++) {
      char c = message.charAt(i);
      int point = message.codePointAt(i);
      boolean command =
          (start && message.startsWith("::", i)) || (c == '[' && message.startsWith("##", i - 2));
      start &= Character.isWhitespace(c) || Character.isSpaceChar(c);
      if (command || Character.isISOControl(c) || Character.getType(point) == Character.FORMAT) {
        out.append(format("\\u%04x", point));
      } else {
        out.appendCodePoint(point);
      }
      i += Character.charCount(point) - 1;
    }
    return out.toString();
  }
}
