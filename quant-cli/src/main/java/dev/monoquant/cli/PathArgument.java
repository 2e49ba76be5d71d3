package dev.monoquant.cli;

import dev.monoquant.QuantException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A path as an argument of the command line. */
final class PathArgument {

  private static final char UNDECODABLE = '\ufffd';

  private PathArgument() {}

  /** Converts the text of an argument. */
  static final class Converter implements ITypeConverter<Path> {
    @Override
    public Path convert(String text) {
      return parse(text);
    }
  }

  static Path parse(String text) {
    if (text.isBlank()) {
      throw new TypeConversionException("a path is needed, not an empty text");
    }
    if (text.equals("-")) {
      throw new TypeConversionException(
          "models and reports are files, and \"-\" would be standard input or output; a file of that"
              + " name is ./-, and --json prints a report");
    }
    try {
      Path path = Path.of(text);
      // Java replaces each byte of an argument that it cannot decode by this letter.
      if (text.indexOf(UNDECODABLE) < 0 || Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        return path;
      }
    } catch (InvalidPathException e) {
      if (!e.getReason().contains("unmappable")) {
        throw new TypeConversionException("not a path: " + e.getReason());
      }
    }
    String encoding = System.getProperty("sun.jnu.encoding", "the encoding of file names");
    throw new TypeConversionException(
        QuantException.quote(text)
            + " is not valid in "
            + encoding
            + ", the encoding of file names here. Rename it, or set LC_ALL to a locale that has its"
            + " letters, such as C.UTF-8");
  }
}
