package dev.monoquant.files.manifest;

import dev.monoquant.files.json.JsonValue;
import dev.monoquant.spi.OutputContents;
import java.util.Map;
import java.util.SortedMap;

/** Collects the manifest of a directory. Not thread-safe. */
public final class ManifestBuilder {

  private final SortedMap<String, String> tensors = Manifest.sorted();
  private final SortedMap<String, String> headers = Manifest.sorted();
  private final SortedMap<String, String> made = Manifest.sorted();
  private final SortedMap<String, JsonValue> weights = Manifest.sorted();

  /**
   * Starts with what was known before.
   *
   * @param contents what is written
   */
  public ManifestBuilder(OutputContents contents) {
    made.putAll(contents.provenance());
    made.remove(Manifest.INPUTS);
    contents.weights().forEach(w -> weights.put(w.name(), Manifest.describe(w)));
  }

  /**
   * Adds a file of tensors.
   *
   * @param name its name in the directory
   * @param header the hash of the file up to its data
   * @param hashes the hashes of its tensors by name
   */
  public void shard(String name, String header, Map<String, String> hashes) {
    headers.put(name, header);
    tensors.putAll(hashes);
  }

  /**
   * {@return the bytes of the manifest file}
   *
   * @param inputs hashes of the input files by name
   * @param files hashes of the files without tensors by name
   */
  public byte[] build(SortedMap<String, String> inputs, SortedMap<String, String> files) {
    return new Manifest(HashPool.UNKNOWN, inputs, tensors, headers, files, made, weights).toFile();
  }
}
