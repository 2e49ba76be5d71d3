package dev.monoquant.io.compressedtensors;

import dev.monoquant.Problem;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Directories of compressed-tensors, in any {@link Form} or several. */
final class CompressedTensorsDirectory implements DirectoryFormat {

  @Override
  public String id() {
    return ConfigGroup.METHOD;
  }

  @Override
  public boolean holdsTables() {
    return true;
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    return ModuleWeight.refusal(weight);
  }

  @Override
  public WeightLayout layout(EncodedWeight weight) {
    return ModuleWeight.of(weight).layout();
  }

  @Override
  public JsonValue.Obj config(DirectoryContents contents) {
    return ConfigWriter.quantization(contents);
  }

  @Override
  public Map<TensorInfo, byte[]> added(OutputContents contents) {
    List<TensorInfo> originals = new ArrayList<>(contents.kept());
    contents.weights().forEach(w -> originals.add(w.matrix().tensor()));
    Map<TensorInfo, byte[]> added =
        new LinkedHashMap<>(CacheScales.of(contents.kvCache(), originals));
    contents.weights().forEach(weight -> InputScale.add(weight, added));
    return added;
  }

  @Override
  public List<String> warnings(List<EncodedWeight> weights) {
    return LoaderLimits.warnings(modules(weights));
  }

  @Override
  public List<String> notes(JsonValue.Obj root, OutputContents contents) {
    List<ModuleWeight> weights = modules(contents.weights());
    List<String> notes = new ArrayList<>(LoaderLimits.of(weights));
    long ways = weights.stream().map(w -> Map.entry(w.form(), w.arguments())).distinct().count();
    notes.addAll(LoaderNames.notes(new ModelConfig(root), contents, ways));
    return notes;
  }

  private static List<ModuleWeight> modules(List<EncodedWeight> weights) {
    return weights.stream().map(ModuleWeight::of).toList();
  }

  @Override
  public List<Problem> faults(JsonValue.Obj config, OutputContents contents) {
    return LoaderAudit.faults(config, contents.weights(), contents.kept(), ModelConfig.FILE);
  }

  @Override
  public List<Problem> faults(List<EncodedWeight> weights, Source source) throws IOException {
    return GlobalScales.faults(weights, source::read, ModelConfig.FILE);
  }
}
