package dev.monoquant.files.output;

import dev.monoquant.files.manifest.Manifest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SortedMap;

/**
 * Writes one file with a given {@link FileLayout}: a {@link RegionFile} with a header before its
 * regions. The header is written last, so that no reader accepts an incomplete file.
 */
public final class OutputFile implements Closeable {

  private final FileLayout layout;
  private final RegionFile<String> file;

  /**
   * Starts the file.
   *
   * @param staging the staging of the output
   * @param name its name relative to the target; empty if the output is a file
   * @param layout the layout of the file
   * @throws IOException if writing fails
   */
  public OutputFile(Staging staging, String name, FileLayout layout) throws IOException {
    this.layout = layout;
    this.file =
        new RegionFile<>(
            staging,
            name,
            layout.fileBytes(),
            layout.regions(),
            (pool, bytes, from, length) -> pool.submit(staging.hashKind(), bytes, from, length));
  }

  /**
   * Writes a part of a region; thread-safe.
   *
   * @param name the name of a region of the layout
   * @param offset the first byte within the region
   * @param data the bytes; consumed
   * @return whether these were the last missing bytes of the file; true for one call only
   * @throws IOException if writing fails
   */
  public boolean write(String name, long offset, ByteBuffer data) throws IOException {
    return file.write(name, offset, data);
  }

  /**
   * Waits for the hash of every region; flushes the written bytes meanwhile.
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
   * Waits for the hash of a region.
   *
   * @param region its name
   */
  String hash(String region) throws IOException {
    return file.sums(region);
  }

  /**
   * Finishes the file with the header of its layout.
   *
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if the bytes read back differ from those written
   */
  public void finish() throws IOException {
    finish(layout);
  }

  /**
   * Writes the header, flushes and closes the file, compares every byte read back with the written
   * one, and calls {@link FileLayout#check}.
   *
   * @param complete the layout with the final header, such as one with hashes; it must have the
   *     length of the planned header
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if the bytes read back differ from those written
   * @throws IllegalStateException if not every byte was written exactly once
   */
  public void finish(FileLayout complete) throws IOException {
    file.flushSoon();
    for (FileLayout.Region region : layout.regions()) {
      file.sums(region.name());
    }
    if (complete.headerLength() != layout.headerLength()) {
      throw new IllegalStateException(
          "the header has "
              + complete.headerLength()
              + " bytes, announced were "
              + layout.headerLength());
    }
    long[] position = {0};
    complete.header(
        piece -> {
          int length = piece.remaining();
          file.writeBetween(position[0], piece);
          position[0] += length;
        });
    file.seal();
    complete.check(file.path());
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
