package dev.monoquant.files.remote;

import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** A store of files in memory, which counts what is asked of it and fails as it is told. */
final class ScriptedStore implements RemoteStore {

  /** What happens at a read. */
  interface Script {
    /** Returns how many bytes the answer has, at most the length asked for. */
    long before(long offset, long length) throws IOException;
  }

  final Map<String, byte[]> files = new TreeMap<>();
  final List<String> reads = Collections.synchronizedList(new ArrayList<>());
  final List<String> finds = Collections.synchronizedList(new ArrayList<>());
  boolean lists = true;
  Optional<String> tag = Optional.of("tag");
  Script script = (offset, length) -> length;
  Optional<IOException> outage = Optional.empty();

  /** How many files are found before the outage. */
  int answers;

  @Override
  public String id() {
    return "scripted";
  }

  @Override
  public Set<String> schemes() {
    return Set.of("mem");
  }

  @Override
  public RemoteFiles open(RemoteLocation folder, RemoteAccess access) {
    return new RemoteFiles() {
      @Override
      public Optional<List<String>> list() {
        return lists ? Optional.of(List.copyOf(files.keySet())) : Optional.empty();
      }

      @Override
      public Optional<RemoteFile> find(String name) throws IOException {
        finds.add(name);
        if (outage.isPresent() && finds.size() > answers) {
          throw outage.get();
        }
        return Optional.ofNullable(files.get(name))
            .map(bytes -> new RemoteFile(name, bytes.length, Optional.empty(), tag));
      }

      @Override
      public ReadableByteChannel read(RemoteFile file, long offset, long length)
          throws IOException {
        reads.add(file.name() + " " + offset + " " + length);
        long given = script.before(offset, length);
        byte[] all = files.get(file.name());
        return Channels.newChannel(
            new ByteArrayInputStream(
                Arrays.copyOfRange(all, (int) offset, (int) (offset + given))));
      }

      @Override
      public void close() {}
    };
  }
}
