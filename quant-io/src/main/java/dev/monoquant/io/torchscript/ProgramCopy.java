package dev.monoquant.io.torchscript;

import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWriter;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.script.ScriptProgram;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes an archive with the storages of another one, and a program that refers to them. */
final class ProgramCopy {

  private static final int AT_ONCE = 1 << 24;

  private ProgramCopy() {}

  /**
   * Writes an archive, without compression.
   *
   * @param archive its storages and extra files are copied
   * @param program the program; refers to no other storages
   * @param file the file to create or replace
   */
  static void write(ScriptArchive archive, ScriptProgram program, Path file) throws IOException {
    TorchZip zip = archive.zip();
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream made = new ZipOutputStream(out);
        WritableByteChannel channel = Channels.newChannel(made)) {
      // Without compression, and without the checksums that stored entries begin with.
      made.setLevel(Deflater.NO_COMPRESSION);
      pickle(archive, made, TorchZip.PICKLE, program.data());
      pickle(archive, made, TorchZip.CONSTANTS, program.constants());
      for (var code : program.code().entrySet()) {
        begin(archive, made, Records.CODE + code.getKey());
        made.write(code.getValue().getBytes(StandardCharsets.UTF_8));
      }
      for (ArchiveEntry entry : zip.entries()) {
        String record = zip.nameInFolder(entry);
        if (Records.isStorage(record)) {
          begin(archive, made, record);
          for (long at = 0; at < entry.size(); at += AT_ONCE) {
            channel.write(zip.record(record).slice(at, (int) Math.min(AT_ONCE, entry.size() - at)));
          }
        } else if (Records.isCarried(record)) {
          begin(archive, made, record);
          ByteBuffer content = zip.bytes(entry);
          channel.write(content);
        }
      }
    }
  }

  private static void pickle(
      ScriptArchive archive, ZipOutputStream made, String record, PickleValue value)
      throws IOException {
    begin(archive, made, record);
    made.write(PickleWriter.write(value, archive.label(), record));
  }

  private static void begin(ScriptArchive archive, ZipOutputStream made, String record)
      throws IOException {
    made.putNextEntry(new ZipEntry(archive.zip().folder() + record));
  }
}
