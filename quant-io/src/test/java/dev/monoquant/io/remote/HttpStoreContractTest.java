package dev.monoquant.io.remote;

import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.testkit.contracts.RemoteStoreContract;
import dev.monoquant.testkit.fakes.FileServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import net.jqwik.api.lifecycle.AfterTry;

/** Files of web servers obey the laws of remote stores. */
class HttpStoreContractTest implements RemoteStoreContract {

  private Optional<FileServer> server = Optional.empty();

  @Override
  public RemoteStore subject() {
    return new HttpStore();
  }

  @Override
  public RemoteLocation hold(Path folder, Map<String, byte[]> files) throws IOException {
    if (server.isEmpty()) {
      server = Optional.of(FileServer.of(folder));
    }
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
    return RemoteLocation.parse(server.get().address());
  }

  @AfterTry
  void stop() {
    server.ifPresent(FileServer::close);
    server = Optional.empty();
  }
}
