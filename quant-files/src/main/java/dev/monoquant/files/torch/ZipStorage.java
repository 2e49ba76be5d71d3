package dev.monoquant.files.torch;

import dev.monoquant.files.zip.Archive;
import dev.monoquant.files.zip.ArchiveEntry;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A record; its checksum is compared once, on the first read. */
record ZipStorage(Archive archive, ArchiveEntry entry, boolean bigEndian) implements Storage {

  @Override
  public String label() {
    return entry.name();
  }

  @Override
  public long size() {
    return entry.size();
  }

  @Override
  public ByteBuffer slice(long offset, int length) throws IOException {
    archive.check(entry);
    return archive.slice(entry, offset, length);
  }
}
