package dev.monoquant.cli;

import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A number as an argument of the command line, refused in words that name no type of Java. */
final class NumberArgument {

  private NumberArgument() {}

  static CommandLine registerIn(CommandLine command) {
    return command
        .registerConverter(Integer.class, new Whole())
        .registerConverter(int.class, new Whole())
        .registerConverter(Long.class, new Wide())
        .registerConverter(long.class, new Wide())
        .registerConverter(Double.class, new Real())
        .registerConverter(double.class, new Real());
  }

  /** A number of 32 bits. */
  private static final class Whole implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      try {
        return Integer.valueOf(text);
      } catch (NumberFormatException e) {
        throw noWhole(text, Integer.MAX_VALUE);
      }
    }
  }

  /** A number of 64 bits. */
  private static final class Wide implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      try {
        return Long.valueOf(text);
      } catch (NumberFormatException e) {
        throw noWhole(text, Long.MAX_VALUE);
      }
    }
  }

  /** A number with a fraction. */
  private static final class Real implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      try {
        return Double.valueOf(text);
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + text + "' is no number such as 30 or 0.9");
      }
    }
  }

  private static TypeConversionException noWhole(String text, long most) {
    return new TypeConversionException("'" + text + "' is no whole number up to " + most);
  }
}
