package dev.monoquant.io.safetensors;

import dev.monoquant.files.model.FileSource;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes a source of open files, with the quantized weights that they describe themselves. */
final class OwnFiles {

  private OwnFiles() {}

  static ModelSource source(ModelFiles files, ReadLimits limits) throws IOException {
    try {
      Map<EncodedWeight, WeightLayout> weights = new LinkedHashMap<>();
      for (Map.Entry<String, SafetensorsFile> shard : files.shards().entrySet()) {
        SelfDescription.read(shard.getValue(), shard.getKey(), limits)
            .forEach(weight -> weights.put(weight, SafetensorsOutput.parts(weight)));
      }
      Set<String> parts = new HashSet<>();
      weights.values().forEach(w -> w.tensors().forEach(t -> parts.add(t.name())));
      return new FileSource(files, weights, parts, List.of(), info -> List.of());
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }
}
