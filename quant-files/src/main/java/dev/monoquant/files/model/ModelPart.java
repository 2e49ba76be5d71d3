package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.files.input.Locations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Detects by its name a single file that is only a part of a model. */
public final class ModelPart {

  private static final Pattern SHARD = Pattern.compile("[^/]*-(\\d{1,9})-of-(\\d{1,9})\\.[a-z]+");

  /** Tensor-parallel files: each has some rows or columns of every matrix. */
  private static final Pattern PARALLEL =
      Pattern.compile("(consolidated\\.|mp_rank_)(\\d{1,9})(\\.pth|_model_states\\.pt)");

  private ModelPart() {}

  /**
   * {@return no side files, with a note for the report if the file is a part of a model}
   *
   * @param file the file
   */
  public static SideFiles beside(Path file) {
    return note(file)
        .map(note -> new SideFiles(List.of(), List.of(), List.of(note)))
        .orElse(SideFiles.NONE);
  }

  private static Optional<String> note(Path file) {
    String name = String.valueOf(file.getFileName());
    Matcher shard = SHARD.matcher(name);
    if (shard.matches()) {
      int of = Integer.parseInt(shard.group(2));
      return of < 2
          ? Optional.empty()
          : Optional.of(
              "by its name this is part "
                  + Integer.parseInt(shard.group(1))
                  + " of "
                  + of
                  + " of a model, and the others are not read. Give the directory for the whole");
    }
    Matcher parallel = PARALLEL.matcher(name);
    if (!parallel.matches()) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(Locations.folder(file))) {
      return files
          .map(path -> String.valueOf(path.getFileName()))
          .filter(other -> !other.equals(name) && isOfOneSet(parallel, other))
          .sorted()
          .findFirst()
          .map(
              other ->
                  quote(other)
                      + " lies beside it: by their names both are parts of a model that is spread"
                      + " over several devices, each with some rows or columns of its matrices."
                      + " Merge them first, or fetch the version for transformers");
    } catch (IOException | SecurityException unreadable) {
      return Optional.empty();
    }
  }

  private static boolean isOfOneSet(Matcher part, String name) {
    Matcher other = PARALLEL.matcher(name);
    return other.matches()
        && other.group(1).equals(part.group(1))
        && other.group(3).equals(part.group(3));
  }
}
