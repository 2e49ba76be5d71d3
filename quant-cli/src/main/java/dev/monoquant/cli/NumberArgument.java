package dev.monoquant.cli;

import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/** A number as an argument of the command line, refused in words that name no type of Java. */
final class NumberArgument {

  private NumberArgument() {}

  static CommandLine registerIn(CommandLine command) {
    return command
        .registerConverter(Integer.class, NumberArgument::whole)
        .registerConverter(int.class, NumberArgument::whole)
        .registerConverter(Long.class, NumberArgument::wide)
        .registerConverter(long.class, NumberArgument::wide)
        .registerConverter(Double.class, NumberArgument::number)
        .registerConverter(double.class, NumberArgument::number);
  }

  private static int whole(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw noWhole(text, Integer.MAX_VALUE);
    }
  }

  private static long wide(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw noWhole(text, Long.MAX_VALUE);
    }
  }

  private static double number(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + text + "' is no number such as 30 or 0.9");
    }
  }

  private static TypeConversionException noWhole(String text, long most) {
    return new TypeConversionException("'" + text + "' is no whole number up to " + most);
  }
}
