package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ConfigurationException;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.run.LiveTensors;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads sample inputs and puts them in the order of the parameters of {@code forward}. */
final class SampleReader {

  private static final Set<String> NO_INPUTS =
      Set.of("label", "labels", "target", "targets", "logits", "output", "outputs");

  /** The most names in an error message. */
  private static final int MOST_SHOWN = 10;

  private SampleReader() {}

  static NDList read(
      Settings settings, SampleInputs sample, List<String> parameters, NDManager manager) {
    if (sample instanceof SampleInputs.OfArrays of) {
      return of.arrays();
    }
    Path file = ((SampleInputs.OfFile) sample).file();
    Map<String, NDArray> arrays =
        file.toString().toLowerCase(Locale.ROOT).endsWith(".npz")
            ? NumpyArchive.read(file, manager)
            : tensors(settings, file, manager);
    NDList inputs = new NDList();
    if (!parameters.isEmpty() && arrays.keySet().containsAll(parameters)) {
      parameters.forEach(name -> inputs.add(arrays.get(name)));
    } else {
      arrays.forEach(
          (name, array) -> {
            if (!NO_INPUTS.contains(name.toLowerCase(Locale.ROOT))) {
              inputs.add(array);
            }
          });
    }
    if (inputs.isEmpty()) {
      throw new ConfigurationException(
          file
              + ": holds no inputs, only "
              + arrays.keySet().stream().limit(MOST_SHOWN).toList()
              + (arrays.size() > MOST_SHOWN ? " and " + (arrays.size() - MOST_SHOWN) + " more" : "")
              + ". Name the tensors as forward names its parameters, such as input_ids");
    }
    return inputs;
  }

  private static Map<String, NDArray> tensors(Settings settings, Path file, NDManager manager) {
    ModelInput input = ModelInput.of(file);
    try (Opened opened =
        InputOpener.open(settings.withInputFormat(Optional.empty()), input, Map.of())) {
      return LiveTensors.stateDict(opened.source(), manager);
    } catch (IOException e) {
      throw InputOpener.unreadable(input, e);
    }
  }
}
