package dev.monoquant.io.torchscript;

import ai.djl.nn.Block;
import ai.djl.nn.SymbolBlock;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Opens a TorchScript module that DJL has loaded: libtorch saves it into a temporary file, which is
 * read like any archive and deleted when the source is closed. The file has the state of the module
 * in memory, including changes made after it was loaded. The module is not written to.
 *
 * <p>Needs as much space in the folder for temporary files as the archive has bytes, and as much
 * native memory while it is saved. What this does not do: it depends on no engine, and recognises
 * the PyTorch engine by the class name of its block.
 */
public final class LiveScript {

  private static final String PYTORCH_BLOCK = "ai.djl.pytorch.engine.PtSymbolBlock";

  private LiveScript() {}

  /**
   * Returns whether a block is a TorchScript module.
   *
   * @param block any block
   * @return true for a module that the PyTorch engine of DJL has loaded
   */
  public static boolean fits(Block block) {
    return block instanceof SymbolBlock && block.getClass().getName().equals(PYTORCH_BLOCK);
  }

  /**
   * Opens a module.
   *
   * @param block a block that {@link #fits}
   * @param label its name for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open source; the caller closes it
   * @throws IOException if it cannot be saved into a temporary file
   * @throws ModelFormatException if the archive that libtorch saves cannot be read
   */
  public static ModelSource open(Block block, String label, ReadLimits limits) throws IOException {
    Path folder = Files.createTempDirectory("monoquant-");
    Path file = folder.resolve("model.pt");
    boolean open = false;
    try {
      save(block, file, label);
      ScriptArchive archive = ScriptArchive.open(file, label, limits);
      Closeable cleanup = () -> delete(folder, file);
      ModelSource source = ScriptReader.open(archive, ScriptPlace.NONE, List.of(cleanup));
      open = true;
      return source;
    } finally {
      if (!open) {
        delete(folder, file);
      }
    }
  }

  private static void save(Block block, Path file, String label) throws IOException {
    Prefix prefix;
    try (Prefix out = new Prefix(new BufferedOutputStream(Files.newOutputStream(file)))) {
      block.saveParameters(new DataOutputStream(out));
      prefix = out;
    } catch (IllegalStateException closed) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          label,
          "",
          "the engine could not save it: "
              + closed.getMessage()
              + ". Keep the model open as long as its block is used.",
          closed);
    }
    if (prefix.length() != Files.size(file)) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          label,
          "",
          "the engine announced "
              + prefix.length()
              + " bytes and saved "
              + Files.size(file)
              + ". Give the file that the model was loaded from instead.");
    }
  }

  private static void delete(Path folder, Path file) throws IOException {
    Files.deleteIfExists(file);
    Files.deleteIfExists(folder);
  }

  /**
   * Removes the prefix that DJL writes before the archive: one byte of version, eight of length.
   */
  private static final class Prefix extends FilterOutputStream {

    private final byte[] held = new byte[1 + Long.BYTES];
    private int count;

    Prefix(OutputStream out) {
      super(out);
    }

    long length() {
      return ByteBuffer.wrap(held).getLong(1);
    }

    @Override
    public void write(int b) throws IOException {
      if (count < held.length) {
        held[count++] = (byte) b;
      } else {
        out.write(b);
      }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      int some = Math.min(length, held.length - count);
      System.arraycopy(bytes, offset, held, count, some);
      count += some;
      out.write(bytes, offset + some, length - some);
    }
  }
}
