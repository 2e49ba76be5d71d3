package dev.monoquant.core.trial;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.control.SampleInputs;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Directories of samples, as their files. */
public final class SampleFiles {

  private SampleFiles() {}

  /**
   * {@return the samples with the {@code .npz} and {@code .safetensors} files of each directory in
   * its place, by name}
   *
   * @param samples the samples as given
   * @throws ConfigurationException if a directory holds no such file, or cannot be listed
   */
  public static List<SampleInputs> of(List<SampleInputs> samples) {
    List<SampleInputs> files = new ArrayList<>();
    for (SampleInputs sample : samples) {
      if (sample instanceof SampleInputs.OfFile of && Files.isDirectory(of.file())) {
        listed(of.file()).values().forEach(file -> files.add(SampleInputs.of(file)));
      } else {
        files.add(sample);
      }
    }
    return files;
  }

  private static Map<String, Path> listed(Path directory) {
    Map<String, Path> sorted = new TreeMap<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
      for (Path file : all) {
        String name = file.getFileName().toString();
        String lower = name.toLowerCase(Locale.ROOT);
        if (lower.endsWith(".npz") || lower.endsWith(".safetensors")) {
          sorted.put(name, file);
        }
      }
    } catch (IOException e) {
      throw new ConfigurationException(directory + ": its samples cannot be listed: " + e, e);
    }
    if (sorted.isEmpty()) {
      throw new ConfigurationException(
          directory + ": holds no .npz and no .safetensors file, so there are no samples in it");
    }
    return sorted;
  }
}
