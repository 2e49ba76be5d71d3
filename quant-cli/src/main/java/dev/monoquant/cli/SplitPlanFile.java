package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Reads and writes the file of a plan of units. */
final class SplitPlanFile {

  private SplitPlanFile() {}

  static SplitPlan read(Path file) {
    try {
      return SplitPlanJson.parse(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new ConfigurationException(
          file + ": the plan cannot be read: " + e + ". Make it with quant plan", e);
    }
  }

  /** Refuses to replace a file that is no plan. */
  static void check(Path file, boolean force) {
    if (Files.exists(file) && !force) {
      try {
        read(file);
      } catch (ConfigurationException other) {
        throw new OutputException(
            file + ": exists and is no plan. Name another file, or replace it with --force", other);
      }
    }
  }

  static void write(Path file, SplitPlan plan) {
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.write(temporary, SplitPlanJson.write(plan).getBytes(StandardCharsets.UTF_8));
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new OutputException(file + ": the plan could not be written: " + e, e);
    }
  }
}
