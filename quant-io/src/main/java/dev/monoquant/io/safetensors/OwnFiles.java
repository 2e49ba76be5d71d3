package dev.monoquant.io.safetensors;

import dev.monoquant.files.model.FileSource;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.files.model.TrainedModel;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.io.foreign.ForeignWeights;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Builds the source of open files, with the quantized weights that their metadata describes, or
 * those in layouts of other projects.
 */
final class OwnFiles {

  private OwnFiles() {}

  /**
   * The layout of a weight that a file describes. It is made when it is needed: those of 100,000
   * weights would take 70 MB.
   */
  private record Described(EncodedWeight weight) implements WeightLayout {

    @Override
    public List<TensorInfo> tensors() {
      return SelfDescription.parts(weight).tensors();
    }

    @Override
    public Writer writer(Sink sink) {
      return SelfDescription.parts(weight).writer(sink);
    }

    @Override
    public EncodedTile read(RowRange rows, Source source) throws IOException {
      return SelfDescription.parts(weight).read(rows, source);
    }
  }

  /** Takes ownership of open files. */
  static ModelSource source(ModelFiles files, ReadChoices choices, ReadLimits limits)
      throws IOException {
    try {
      Map<EncodedWeight, WeightLayout> weights = new LinkedHashMap<>();
      Set<String> parts = new HashSet<>();
      for (Map.Entry<String, SafetensorsFile> shard : files.shards().entrySet()) {
        SelfDescription.Described own =
            SelfDescription.read(shard.getValue(), shard.getKey(), limits);
        own.weights().forEach(weight -> weights.put(weight, new Described(weight)));
        parts.addAll(own.parts());
      }
      Set<String> described = Set.of();
      List<String> notes = List.of();
      if (weights.isEmpty()) {
        ForeignWeights foreign = ForeignWeights.find(files, limits);
        weights.putAll(foreign.weights());
        parts.addAll(foreign.parts());
        described = foreign.described();
        notes = foreign.notes();
      }
      ModelSource source =
          new FileSource(files, weights, parts, described, notes, info -> List.of());
      return TrainedModel.of(
          source, choices.stripPrefixes().orElse(false), choices.fold().orElse(false));
    } catch (IOException | RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }
}
