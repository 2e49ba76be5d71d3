package dev.monoquant.spark;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * A file system of Hadoop over folders of this machine, under addresses of HDFS, whose writes fail
 * when a test says so. It shows what this project does with the interface, and not how HDFS
 * behaves.
 */
public final class StandIn extends RawLocalFileSystem {

  static final String ADDRESS = "hdfs://stand-in";

  /** How many of the next files become full after their first block. */
  static final AtomicInteger FULL = new AtomicInteger();

  /** Which renames fail, by the path that is renamed. */
  static final AtomicReference<Predicate<Path>> STUCK = new AtomicReference<>(path -> false);

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    return !STUCK.get().test(from) && super.rename(from, to);
  }

  @Override
  public URI getUri() {
    return URI.create(ADDRESS + "/");
  }

  @Override
  public String getScheme() {
    return "hdfs";
  }

  @Override
  public FSDataOutputStream create(
      Path file,
      boolean overwrite,
      int buffer,
      short replication,
      long block,
      Progressable progress)
      throws IOException {
    FSDataOutputStream out = super.create(file, overwrite, buffer, replication, block, progress);
    return FULL.getAndUpdate(n -> Math.max(0, n - 1)) > 0
        ? new FSDataOutputStream(new Full(out), null)
        : out;
  }

  /** Without owner and mode, for which the file system would ask of an address of files. */
  private static FileStatus plain(FileStatus s) {
    return new FileStatus(
        s.getLen(), s.isDirectory(), 1, s.getBlockSize(), s.getModificationTime(), s.getPath());
  }

  @Override
  public FileStatus getFileStatus(Path file) throws IOException {
    return plain(super.getFileStatus(file));
  }

  @Override
  public FileStatus[] listStatus(Path folder) throws IOException {
    return Arrays.stream(super.listStatus(folder)).map(StandIn::plain).toArray(FileStatus[]::new);
  }

  private static final class Full extends OutputStream {

    private final OutputStream out;
    private long left = 2000;

    Full(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      if (left-- <= 0) {
        throw new IOException("No space left on device");
      }
      out.write(b);
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }
}
