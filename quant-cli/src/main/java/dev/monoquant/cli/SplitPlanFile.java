package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.files.input.FileFault;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Reads and writes the file of a plan of units. */
final class SplitPlanFile {

  private SplitPlanFile() {}

  static SplitPlan read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new ConfigurationException(
            file
                + ": there is no such file with a plan. Make it with quant plan, and give the name"
                + " of its --plan");
      }
      long most = ReadLimits.DEFAULT.maxHeaderBytes();
      if (Files.size(file) > most) {
        throw new ConfigurationException(
            file
                + ": has "
                + Files.size(file)
                + " bytes, and a plan at most "
                + most
                + ". Make it with quant plan");
      }
      return SplitPlanJson.parse(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new ConfigurationException(
          file + ": the plan cannot be read: " + e + ". Make it with quant plan", e);
    }
  }

  /**
   * Refuses a file that is, or lies in, the input or the output, and never replaces a file that is
   * no plan: {@code --force} is about the output.
   */
  static void check(Path file, Path input, Path output) {
    ReportFile.requireApart("--plan", file, input, output);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new OutputException(
          "--plan " + file + ": is a directory, a link or no regular file. Name another file");
    }
    try {
      read(file);
    } catch (ConfigurationException other) {
      throw new OutputException(
          "--plan " + file + ": exists and is no plan. Name another file", other);
    }
  }

  static void write(Path file, SplitPlan plan) {
    try {
      ReportFile.replace(file, SplitPlanJson.write(plan));
    } catch (IOException e) {
      throw new OutputException("--plan " + file + ": " + FileFault.writing(e), e);
    }
  }
}
