package dev.monoquant.files.output;

import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SortedMap;

/**
 * One file in the making, as a {@link FileLayout} has it: a {@link RegionFile} with a header before
 * its regions. The header is written last, so that half a file is never taken for a whole.
 */
public final class OutputFile implements Closeable {

  private final FileLayout layout;
  private final RegionFile<String> file;

  /**
   * Starts the file.
   *
   * @param staging where the file is made
   * @param name its name relative to the target; empty if the output is a file
   * @param layout what it will hold
   * @throws IOException if writing fails
   */
  public OutputFile(Staging staging, String name, FileLayout layout) throws IOException {
    this.layout = layout;
    this.file =
        new RegionFile<>(staging, name, layout.fileBytes(), layout.regions(), HashPool::submit);
  }

  /**
   * Writes a piece of a region; thread-safe.
   *
   * @param name the name of one of the layout's regions
   * @param offset first byte within the region
   * @param data the bytes; consumed
   * @return whether these were the last bytes missing in the whole file; true to one caller
   * @throws IOException if writing fails
   */
  public boolean write(String name, long offset, ByteBuffer data) throws IOException {
    return file.write(name, offset, data);
  }

  /**
   * Waits for the SHA-256 of every region; what was written is flushed meanwhile.
   *
   * @return the hashes by name
   * @throws IOException if reading fails
   * @throws IllegalStateException if a region is not complete
   */
  public SortedMap<String, String> hashes() throws IOException {
    file.flushSoon();
    SortedMap<String, String> all = Manifest.sorted();
    for (FileLayout.Region region : layout.regions()) {
      all.put(region.name(), file.sums(region.name()));
    }
    return all;
  }

  /**
   * Finishes with the header that was announced.
   *
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if what is read back is not what was written
   */
  public void finish() throws IOException {
    finish(layout);
  }

  /**
   * Writes the header, flushes and closes the file, reads every byte again and compares it with
   * what was written, and lets the layout {@link FileLayout#check} the file.
   *
   * @param complete the layout with the final header, such as one with hashes; it must be as long
   *     as that announced
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if what is read back is not what was written
   * @throws IllegalStateException if not every byte was written exactly once
   */
  public void finish(FileLayout complete) throws IOException {
    hashes();
    if (complete.headerBytes().length != layout.headerBytes().length) {
      throw new IllegalStateException(
          "the header has "
              + complete.headerBytes().length
              + " bytes, announced were "
              + layout.headerBytes().length);
    }
    file.writeBetween(0, complete.headerBytes());
    file.seal();
    complete.check(file.path());
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
