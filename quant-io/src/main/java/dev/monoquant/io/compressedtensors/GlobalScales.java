package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.Problem;
import dev.monoquant.model.Family;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Checks the global scales of NVFP4: loaders merge the layers of a family and use the global scale
 * of one of them, so all must be equal.
 *
 * <p>In a mixture, {@code gate_proj} and {@code up_proj} of each expert share a global scale;
 * different experts do not.
 */
final class GlobalScales {

  /** Supplies the bytes of a small tensor by its name. */
  @FunctionalInterface
  interface Source {
    ByteBuffer read(String tensor) throws IOException;
  }

  private GlobalScales() {}

  /**
   * {@return a problem if there are families whose layers have different global scales, else empty}
   *
   * @param weights the quantized weights of a directory
   * @param source the directory
   * @param file its name, for messages
   * @throws IOException if it cannot be read
   */
  static List<Problem> faults(List<EncodedWeight> weights, Source source, String file)
      throws IOException {
    Map<String, TensorInfo> layers = new LinkedHashMap<>();
    for (EncodedWeight weight : weights) {
      if (ModuleWeight.of(weight).form() == Form.NVFP4) {
        layers.put(weight.matrix().layer(), weight.matrix().tensor());
      }
    }
    List<String> different = new ArrayList<>();
    for (Family family : FusedLayers.merged(List.copyOf(layers.values()))) {
      Set<ByteBuffer> scales = new HashSet<>();
      for (String layer : family.layers()) {
        scales.add(source.read(layer + "." + StoredWeight.GLOBAL_SCALE));
      }
      if (scales.size() > 1) {
        different.add(family.name());
      }
    }
    if (different.isEmpty()) {
      return List.of();
    }
    String shown = different.stream().limit(3).map(s -> quote(s)).collect(Collectors.joining(", "));
    int more = different.size() - 3;
    return List.of(
        Problem.error(
            file,
            shown
                + (more > 0 ? " and " + more + " more" : "")
                + ": are merged by loaders, and have different global scales",
            "Loaders would read it wrongly; make it anew"));
  }
}
