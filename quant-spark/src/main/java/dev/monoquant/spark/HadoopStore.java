package dev.monoquant.spark;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Files of Hadoop's file systems, such as HDFS, and S3 by its connector. How they are reached is
 * said by the configuration of Spark, or, outside of it, by {@code core-site.xml} on the class
 * path.
 *
 * <p>Before each read, size and time of the file are compared with those at the time when it was
 * found. The header of requests is not used.
 */
@AutoService(RemoteStore.class)
public final class HadoopStore implements RemoteStore {

  static final String ID = "hadoop";

  private final Configuration configuration;

  /** Makes a store with the configuration on the class path. */
  public HadoopStore() {
    this(new Configuration());
  }

  HadoopStore(Configuration configuration) {
    this.configuration = configuration;
  }

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Set<String> schemes() {
    return Set.of("hdfs", "webhdfs", "swebhdfs", "viewfs", "s3a", "gs", "abfs", "abfss", "ofs");
  }

  @Override
  public RemoteFiles open(RemoteLocation folder, RemoteAccess access) throws IOException {
    Path root = new Path(folder.folder());
    return new Folder(folder, root, root.getFileSystem(configuration));
  }

  /** The file systems are those that Hadoop keeps for all of this JVM, and are not closed. */
  private record Folder(RemoteLocation location, Path root, FileSystem files)
      implements RemoteFiles {

    @Override
    public Optional<List<String>> list() throws IOException {
      List<String> names = new ArrayList<>();
      try {
        String base = root.toUri().getPath();
        RemoteIterator<LocatedFileStatus> all = files.listFiles(root, true);
        while (all.hasNext()) {
          String path = all.next().getPath().toUri().getPath();
          names.add(path.substring(base.endsWith("/") ? base.length() : base.length() + 1));
        }
      } catch (FileNotFoundException none) {
        return Optional.of(List.of());
      }
      return Optional.of(names);
    }

    @Override
    public Optional<RemoteFile> find(String name) throws IOException {
      try {
        FileStatus status = files.getFileStatus(new Path(root, name));
        return status.isFile()
            ? Optional.of(
                new RemoteFile(
                    name,
                    status.getLen(),
                    Optional.of(Instant.ofEpochMilli(status.getModificationTime())),
                    Optional.empty()))
            : Optional.empty();
      } catch (FileNotFoundException | IllegalArgumentException none) {
        // Hadoop has no paths with colons and the like, which an index may name.
        return Optional.empty();
      }
    }

    @Override
    public ReadableByteChannel read(RemoteFile file, long offset, long length) throws IOException {
      if (!find(file.name()).equals(Optional.of(file))) {
        throw new ModelFormatException(
            Reason.UNREADABLE,
            location.shown(file.name()),
            "",
            "it changed since it was found. Nothing was written; run again when nothing writes to"
                + " it");
      }
      FSDataInputStream in = files.open(new Path(root, file.name()));
      try {
        in.seek(offset);
      } catch (IOException | RuntimeException e) {
        in.close();
        throw e;
      }
      return new Range(in, length);
    }

    @Override
    public void close() {}
  }

  /** Some bytes of a stream. */
  private static final class Range implements ReadableByteChannel {

    private final FSDataInputStream in;
    private final byte[] block = new byte[64 << 10];
    private long left;
    private boolean open = true;

    Range(FSDataInputStream in, long length) {
      this.in = in;
      this.left = length;
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      if (left == 0) {
        return -1;
      }
      int wanted = (int) Math.min(block.length, Math.min(left, into.remaining()));
      int read = in.read(block, 0, wanted);
      if (read > 0) {
        into.put(block, 0, read);
        left -= read;
      }
      return read;
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void close() throws IOException {
      open = false;
      in.close();
    }
  }
}
