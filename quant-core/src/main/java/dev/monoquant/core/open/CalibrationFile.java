package dev.monoquant.core.open;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.files.input.FileFault;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.Match;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Opens a file of statistics of inputs with the reader that recognises it. */
public final class CalibrationFile {

  private CalibrationFile() {}

  /**
   * Opens a calibration.
   *
   * @param settings the readers and the limits
   * @param file the file
   * @return the open calibration; the caller closes it
   */
  public static Calibration open(Settings settings, Path file) {
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new ConfigurationException(
          "calibration "
              + QuantException.quote(file.toString())
              + ": there is no such file that can be read. Example: --calibration"
              + " model.calibration.safetensors");
    }
    CalibrationReader reader = surest(settings.plugins().calibrationReaders(), file);
    try {
      return reader.open(file, settings.limits());
    } catch (IOException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE, file.toString(), "", FileFault.reading(e), e);
    } catch (QuantException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new PluginException(
          "calibration reader " + reader.id() + " failed on " + file + ": " + e, e);
    }
  }

  private static CalibrationReader surest(List<CalibrationReader> readers, Path file) {
    Match best = Match.NONE;
    List<CalibrationReader> surest = new ArrayList<>();
    for (CalibrationReader reader : readers) {
      Match match = reader.probe(file);
      if (match.compareTo(best) > 0) {
        best = match;
        surest.clear();
      }
      if (match == best && match != Match.NONE) {
        surest.add(reader);
      }
    }
    if (surest.size() == 1) {
      return surest.get(0);
    }
    String ids =
        (surest.isEmpty() ? readers : surest)
            .stream().map(CalibrationReader::id).collect(Collectors.joining(", "));
    throw new ModelFormatException(
        Reason.NOT_THIS_FORMAT,
        file.toString(),
        "",
        surest.isEmpty()
            ? "none of the readers of calibrations ("
                + (ids.isEmpty() ? "there are none at all" : ids)
                + ") recognises it. Give the file that quant calibrate wrote, or add the plugin that"
                + " reads it"
            : "several readers of calibrations recognise it: "
                + ids
                + ". Remove all but one of them");
  }
}
