package dev.monoquant.spark;

import dev.monoquant.core.Quantizer;
import dev.monoquant.files.remote.StagedFiles;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteStore;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * What a machine needs to read inputs and to send outputs that are on no disk of its own.
 *
 * @param folder a folder on each machine, for what is read and for what is sent; empty for one
 *     below that of temporary files
 * @param limit the most bytes of inputs to keep there
 * @param settings Hadoop's configuration
 * @param output the address of the output; empty if all machines see it as a file
 */
record Staging(String folder, long limit, Map<String, String> settings, String output)
    implements Serializable {

  static final long LIMIT = 20L << 30;

  static Staging of(Configuration configuration) {
    Map<String, String> settings = new TreeMap<>();
    configuration.forEach(entry -> settings.put(entry.getKey(), entry.getValue()));
    return new Staging("", LIMIT, settings, "");
  }

  Staging in(Path local, long most) {
    return new Staging(local.toString(), most, settings, output);
  }

  Staging to(String address) {
    return new Staging(folder, limit, settings, address);
  }

  /** The values are set as they were read; variables in them are replaced when they are used. */
  Configuration configuration() {
    Configuration configuration = new Configuration(false);
    settings.forEach(configuration::set);
    return configuration;
  }

  /** {@return the address of the output; empty if all machines see it as a file} */
  Optional<String> address() {
    return output.isEmpty() ? Optional.empty() : Optional.of(output);
  }

  /** Without the settings, which may hold secrets. */
  @Override
  public String toString() {
    return "Staging[" + folder + ", " + output + "]";
  }

  /** {@return a new folder, which the caller deletes} */
  Path fresh() throws IOException {
    return Files.createTempDirectory(Files.createDirectories(root()), "unit-");
  }

  private Path root() {
    return folder.isEmpty()
        ? Path.of(System.getProperty("java.io.tmpdir"), "quant-spark-staging")
        : Path.of(folder);
  }

  /** Opens the inputs that are on no disk of this machine; the caller closes them. */
  StagedFiles inputs() {
    List<RemoteStore> stores = new ArrayList<>();
    for (RemoteStore store : Plugins.load().remoteStores()) {
      if (!store.id().equals(HadoopStore.ID)) {
        stores.add(store);
      }
    }
    stores.add(new HadoopStore(configuration()));
    return StagedFiles.open(stores, RemoteAccess.DEFAULT, root().resolve("inputs"), limit);
  }

  /** {@return a quantizer that reads these inputs} */
  static Quantizer quantizer(StagedFiles inputs) {
    return Quantizer.create().withInputPaths(inputs::path);
  }

  /** Deletes a folder with all that is in it. */
  static void delete(Path folder) throws IOException {
    List<Path> all;
    try (var walk = Files.walk(folder)) {
      all = new ArrayList<>(walk.toList());
    }
    Collections.reverse(all);
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }
}
