package dev.monoquant.maven;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Messages in the words of a build: parameters instead of options, paths relative to the project,
 * and lines that fit beside the {@code [ERROR]} of Maven in 80 columns.
 *
 * @param basedir the folder of the project
 */
record Words(Path basedir) {

  /** What is left of 80 columns beside the level. */
  static final int COLUMNS = 72;

  private static final Pattern OPTION = Pattern.compile("--[a-z]{1,20}(?:-[a-z]{1,20}){0,3}");

  /** The parameters that have other names than the options of the command line. */
  private static final Map<String, String> PARAMETERS =
      Map.ofEntries(
          Map.entry("--calibration", "<calibration>"),
          Map.entry("--config", "<recipe>"),
          Map.entry("--exclude", "<exclude>"),
          Map.entry("--force", "<overwrite>"),
          Map.entry("--granularity", "<granularity>"),
          Map.entry("--include", "<include>"),
          Map.entry("--layer", "<layers>"),
          Map.entry("--max-size-ratio", "<maxSizeRatio>"),
          Map.entry("--min-cosine", "<minCosine>"),
          Map.entry("--min-speedup", "<minSpeedup>"),
          Map.entry("--min-sqnr", "<minSqnr>"),
          Map.entry("--min-weight-cosine", "<minWeightCosine>"),
          Map.entry("--option", "<options>"),
          Map.entry("--output", "<output>"),
          Map.entry("--sample", "<samples>"),
          Map.entry("--scheme", "<scheme>"));

  /** {@return a path as the pom names it, if it lies in the project} */
  String of(Path path) {
    Path whole = path.toAbsolutePath().normalize();
    return whole.startsWith(basedir) && !whole.equals(basedir)
        ? basedir.relativize(whole).toString()
        : path.toString();
  }

  /** {@return a message of the command line in the words of a build} */
  String of(String message) {
    String local = message.replace(basedir + basedir.getFileSystem().getSeparator(), "");
    Matcher option = OPTION.matcher(local);
    return option.replaceAll(
        found ->
            Matcher.quoteReplacement(
                PARAMETERS.getOrDefault(
                    found.group(), "<argument>" + found.group() + "</argument>")));
  }

  /** {@return why a file or folder could not be read or written} */
  static String reason(Exception e) {
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": access is denied. Allow this user to write there";
    }
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": it does not exist";
    }
    // Has the path and the words of the operating system.
    return e instanceof FileSystemException file ? String.valueOf(file.getMessage()) : e.toString();
  }

  /** {@return lines that fit, broken at blanks; a word that is longer has a line of its own} */
  static List<String> fit(String text) {
    List<String> all = new ArrayList<>();
    text.lines().forEach(line -> fit(line, all));
    return all;
  }

  private static void fit(String line, List<String> all) {
    String indent = " ".repeat(Math.min(8, line.length() - line.stripLeading().length()) + 2);
    String rest = line.stripTrailing();
    while (rest.length() > COLUMNS) {
      int text = rest.length() - rest.stripLeading().length();
      int blank = rest.lastIndexOf(' ', COLUMNS);
      if (blank <= text) {
        blank = rest.indexOf(' ', text);
      }
      if (blank < 0) {
        break;
      }
      all.add(rest.substring(0, blank).stripTrailing());
      rest = indent + rest.substring(blank).stripLeading();
    }
    all.add(rest);
  }
}
