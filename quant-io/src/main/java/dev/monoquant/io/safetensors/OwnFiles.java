package dev.monoquant.io.safetensors;

import dev.monoquant.files.model.FileSource;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes a source of open files, with the quantized weights that they describe themselves. */
final class OwnFiles {

  private OwnFiles() {}

  /** Takes open files over. */
  static ModelSource source(ModelFiles files, ReadChoices choices, ReadLimits limits)
      throws IOException {
    try {
      List<EncodedWeight> weights = new ArrayList<>();
      for (Map.Entry<String, SafetensorsFile> shard : files.shards().entrySet()) {
        weights.addAll(SelfDescription.read(shard.getValue(), shard.getKey(), limits));
      }
      Set<String> parts = new HashSet<>();
      for (EncodedWeight weight : weights) {
        PartStorage.of(weight).forEach(p -> parts.add(p.tensor().name()));
      }
      ModelSource source =
          new FileSource(files, weights, parts, new PartReader(files), List.of());
      return TrainedModel.of(
          source, choices.stripPrefixes().orElse(false), choices.fold().orElse(false));
    } catch (IOException | RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }
}
