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
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.RunnableFile.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads sample inputs as calls of the methods of a model. */
final class SampleReader {

  private static final Set<String> NO_INPUTS =
      Set.of("label", "labels", "target", "targets", "logits", "output", "outputs");

  private static final String TENSOR = "Tensor";

  /** The most names in an error message. */
  private static final int MOST_SHOWN = 10;

  private SampleReader() {}

  /**
   * {@return the calls of a sample: one of {@code forward} for the arrays without the name of a
   * method, and one of each method {@code m} that arrays {@code m:NAME} are for}
   *
   * @param methods the methods of the model; empty if they are unknown
   */
  static List<ModelCall> read(
      Settings settings, SampleInputs sample, List<Method> methods, NDManager manager) {
    if (sample instanceof SampleInputs.OfArrays of) {
      return List.of(ModelCall.of(of.arrays()));
    }
    Path file = ((SampleInputs.OfFile) sample).file();
    Map<String, NDArray> arrays =
        file.toString().toLowerCase(Locale.ROOT).endsWith(".npz")
            ? NumpyArchive.read(file, manager)
            : tensors(settings, file, manager);
    Map<String, NDArray> rest = new LinkedHashMap<>(arrays);
    List<ModelCall> calls = new ArrayList<>();
    for (Method method : methods) {
      Map<String, NDArray> own = new LinkedHashMap<>();
      String prefix = method.name() + ":";
      arrays.forEach(
          (name, array) -> {
            if (name.startsWith(prefix)) {
              own.put(name.substring(prefix.length()), array);
              rest.remove(name);
            }
          });
      if (!own.isEmpty()) {
        calls.add(typed(file, method, own));
      }
    }
    if (calls.isEmpty() || !rest.isEmpty()) {
      calls.add(0, forward(file, methods, rest));
    }
    return calls;
  }

  private static ModelCall typed(Path file, Method method, Map<String, NDArray> arrays) {
    return new ModelCall(
        method.name(), new NDList(), SampleArguments.of(file.toString(), method, arrays));
  }

  private static ModelCall forward(Path file, List<Method> methods, Map<String, NDArray> arrays) {
    Optional<Method> forward =
        methods.stream().filter(m -> m.name().equals(ModelCall.FORWARD)).findFirst();
    if (forward.isEmpty() && !methods.isEmpty()) {
      throw new ConfigurationException(
          file
              + ": the model has no method forward, and its arrays "
              + arrays.keySet().stream().limit(MOST_SHOWN).toList()
              + " are for no other. Name them as in "
              + methods.get(0).name()
              + ":NAME, for the parameters of "
              + String.join(", ", methods.stream().map(SampleArguments::signature).toList()));
    }
    boolean tensors =
        forward.stream()
            .flatMap(m -> m.parameters().stream())
            .allMatch(p -> p.type().equals(TENSOR));
    return tensors
        ? ModelCall.of(ordered(file, forward, arrays))
        : typed(file, forward.get(), arrays);
  }

  /** Puts tensors in the order of parameters, or takes the order of the file. */
  private static NDList ordered(Path file, Optional<Method> forward, Map<String, NDArray> arrays) {
    List<String> parameters =
        forward.map(m -> m.parameters().stream().map(Parameter::name).toList()).orElse(List.of());
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
