package dev.monoquant.files.model;

import dev.monoquant.model.TensorInfo;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The modules of a state dict by the names of its tensors: {@code encoder.fc.weight} is the tensor
 * {@code weight} of the module {@code encoder.fc}; a name without a dot is a tensor of the root,
 * whose name is empty.
 */
public final class ModuleNames {

  private ModuleNames() {}

  /**
   * {@return the name of the module}
   *
   * @param tensor the full name of a tensor
   */
  public static String module(String tensor) {
    return tensor.substring(0, Math.max(0, tensor.lastIndexOf('.')));
  }

  /**
   * {@return the name within the module}
   *
   * @param tensor the full name of a tensor
   */
  public static String local(String tensor) {
    return tensor.substring(tensor.lastIndexOf('.') + 1);
  }

  /**
   * {@return the tensors of each module by their local names, all in the order given}
   *
   * @param tensors tensors with unique names
   */
  public static Map<String, Map<String, TensorInfo>> byModule(Collection<TensorInfo> tensors) {
    Map<String, Map<String, TensorInfo>> modules = new LinkedHashMap<>();
    for (TensorInfo tensor : tensors) {
      modules
          .computeIfAbsent(module(tensor.name()), m -> new LinkedHashMap<>())
          .put(local(tensor.name()), tensor);
    }
    return modules;
  }
}
