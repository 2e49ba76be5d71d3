package dev.monoquant.io.torchscript;

import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes a copy of an archive with other code, for a measurement. */
final class TimedArchive {

  private static final int COPY_AT_ONCE = 16 << 20;

  private TimedArchive() {}

  /**
   * Writes the copy.
   *
   * @param archive a completed output
   * @param code the code by path below {@code code/}; replaces all code of the archive
   * @param file the path of the copy, which does not exist yet
   */
  static void write(TorchZip archive, Map<String, String> code, Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setLevel(1);
      for (ArchiveEntry entry : archive.entries()) {
        String record = archive.nameInFolder(entry);
        if (!record.startsWith(Records.CODE) && !entry.deflated()) {
          copy(archive.record(record), entry, zip);
        }
      }
      for (Map.Entry<String, String> source : code.entrySet()) {
        zip.putNextEntry(new ZipEntry(archive.folder() + Records.CODE + source.getKey()));
        zip.write(source.getValue().getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
      }
    }
  }

  private static void copy(Storage record, ArchiveEntry entry, ZipOutputStream zip)
      throws IOException {
    ZipEntry copy = new ZipEntry(entry.name());
    copy.setMethod(ZipEntry.STORED);
    copy.setSize(entry.size());
    copy.setCrc(entry.crc());
    zip.putNextEntry(copy);
    WritableByteChannel channel = Channels.newChannel(zip);
    for (long at = 0; at < entry.size(); at += COPY_AT_ONCE) {
      ByteBuffer piece = record.slice(at, (int) Math.min(COPY_AT_ONCE, entry.size() - at));
      while (piece.hasRemaining()) {
        channel.write(piece);
      }
    }
    zip.closeEntry();
  }
}
