package dev.monoquant.io.torchscript;

import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWriter;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.script.ScriptProgram;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A temporary file with the program of an archive as it was moved to the CPU, made when it is first
 * asked for and deleted by {@link #close}. The engine would not load the original. Thread-safe.
 */
final class HostCopy implements Closeable {

  private static final int AT_ONCE = 1 << 24;

  private final ScriptArchive archive;
  private @Nullable Path folder;

  HostCopy(ScriptArchive archive) {
    this.archive = archive;
  }

  /** {@return the file} */
  synchronized Path file() {
    try {
      if (folder == null) {
        folder = Files.createTempDirectory("monoquant-");
        write(folder.resolve("model.pt"));
      }
      return folder.resolve("model.pt");
    } catch (IOException e) {
      throw new UncheckedIOException(
          archive.label() + ": its copy for the CPU cannot be written: " + e.getMessage(), e);
    }
  }

  private void write(Path file) throws IOException {
    TorchZip zip = archive.zip();
    ScriptProgram program = archive.program();
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream made = new ZipOutputStream(out);
        WritableByteChannel channel = Channels.newChannel(made)) {
      // Without compression, and without the checksums that stored entries begin with.
      made.setLevel(Deflater.NO_COMPRESSION);
      pickle(made, TorchZip.PICKLE, program.data());
      pickle(made, TorchZip.CONSTANTS, program.constants());
      for (var code : program.code().entrySet()) {
        begin(made, Records.CODE + code.getKey());
        made.write(code.getValue().getBytes(StandardCharsets.UTF_8));
      }
      for (ArchiveEntry entry : zip.entries()) {
        String record = zip.nameInFolder(entry);
        if (Records.isStorage(record)) {
          begin(made, record);
          for (long at = 0; at < entry.size(); at += AT_ONCE) {
            channel.write(zip.record(record).slice(at, (int) Math.min(AT_ONCE, entry.size() - at)));
          }
        } else if (Records.isCarried(record)) {
          begin(made, record);
          ByteBuffer content = zip.bytes(entry);
          channel.write(content);
        }
      }
    }
  }

  private void pickle(ZipOutputStream made, String record, PickleValue value) throws IOException {
    begin(made, record);
    made.write(PickleWriter.write(value, archive.label(), record));
  }

  private void begin(ZipOutputStream made, String record) throws IOException {
    made.putNextEntry(new ZipEntry(archive.zip().folder() + record));
  }

  @Override
  public synchronized void close() throws IOException {
    if (folder != null) {
      Files.deleteIfExists(folder.resolve("model.pt"));
      Files.deleteIfExists(folder);
      folder = null;
    }
  }
}
