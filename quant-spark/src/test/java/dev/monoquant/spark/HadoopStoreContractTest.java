package dev.monoquant.spark;

import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.testkit.contracts.RemoteStoreContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/** Files of Hadoop's file systems obey the laws of remote stores. */
class HadoopStoreContractTest implements RemoteStoreContract {

  @Override
  public RemoteStore subject() {
    Configuration configuration = new Configuration();
    configuration.set("fs.hdfs.impl", StandIn.class.getName());
    return new HadoopStore(configuration);
  }

  @Override
  public RemoteLocation hold(Path folder, Map<String, byte[]> files) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      List<Path> deepest = all.sorted(Comparator.reverseOrder()).toList();
      for (Path old : deepest.subList(0, deepest.size() - 1)) {
        Files.delete(old);
      }
    }
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.write(path, file.getValue());
    }
    return RemoteLocation.parse(StandIn.ADDRESS + folder);
  }
}
