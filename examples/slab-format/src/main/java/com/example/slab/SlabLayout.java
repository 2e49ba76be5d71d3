package com.example.slab;

import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.OutputException;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.FileLayout;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A file for each layer, which is also the step in which a run is resumed. */
final class SlabLayout implements OutputLayout {

  private final ModelSource source;
  private final OutputContents contents;
  private final Map<String, SlabFile> files = new TreeMap<>();
  private final Map<String, String> fileOf = new HashMap<>();

  SlabLayout(ModelSource source, OutputContents contents) {
    this.source = source;
    this.contents = contents;
    Map<String, List<TensorInfo>> kept = new LinkedHashMap<>();
    Map<String, List<EncodedWeight>> weights = new LinkedHashMap<>();
    for (EncodedWeight weight : contents.weights()) {
      kept.putIfAbsent(layer(weight.name()), new ArrayList<>());
      weights.computeIfAbsent(layer(weight.name()), l -> new ArrayList<>()).add(weight);
    }
    for (TensorInfo tensor : contents.kept()) {
      kept.computeIfAbsent(layer(tensor.name()), l -> new ArrayList<>()).add(tensor);
    }
    if (kept.isEmpty()) {
      kept.put("", List.of());
    }
    Set<String> regions = new HashSet<>();
    kept.forEach(
        (layer, tensors) -> {
          String name = String.format(Locale.ROOT, "layer-%05d.slab", files.size());
          SlabFile file = SlabFile.of(tensors, weights.getOrDefault(layer, List.of()));
          files.put(name, file);
          file.kept().forEach(t -> fileOf.put(t.name(), name));
          file.weights().forEach(w -> fileOf.put(w.name(), name));
          for (FileLayout.Region region : file.regions()) {
            if (!regions.add(region.name())) {
              throw new OutputException(
                  region.name() + ": two tensors would have this name. Exclude the layer.");
            }
          }
        });
  }

  private static String layer(String tensor) {
    return tensor.substring(0, Math.max(0, tensor.lastIndexOf('.')));
  }

  @Override
  public long bytes() {
    return files.values().stream().mapToLong(FileLayout::fileBytes).sum();
  }

  @Override
  public OutputWriter open(WriteOptions options) throws IOException {
    return new SlabWriter(this, new OutputJob(source, contents, options), Disk.REAL);
  }

  Map<String, SlabFile> files() {
    return files;
  }

  /** {@return the file of a kept tensor, or of all parts of a weight} */
  String fileOf(String name) {
    String file = fileOf.get(name);
    if (file == null) {
      throw new IllegalArgumentException(name + " was not announced");
    }
    return file;
  }

  /** {@return the properties that identify this run; only an equal run is resumed} */
  Map<String, String> run() {
    Map<String, String> run = ProvenanceText.of(contents);
    files.forEach((name, file) -> run.put("layout of " + name, Sha256.of(file.headerBytes())));
    return run;
  }
}
