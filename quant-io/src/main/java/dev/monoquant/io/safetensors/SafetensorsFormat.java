package dev.monoquant.io.safetensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.model.ModelFiles;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads a single safetensors file, recognised by its content, including files of {@link
 * SafetensorsOutput} with quantized weights.
 *
 * <p>What this does not do: it does not look for other shards; {@link ModelDirectoryFormat} does.
 * Stateless and thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class SafetensorsFormat implements InputFormatDetector {

  private static final int HEAD = 512;
  private static final long MAX_HEADER = 100_000_000;

  /** Made by the service loader. */
  public SafetensorsFormat() {}

  @Override
  public String id() {
    return "safetensors";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of) || !Files.isRegularFile(of.path())) {
      return Match.NONE;
    }
    Path path = of.path();
    boolean named = path.toString().endsWith(".safetensors");
    Match otherwise = named ? Match.POSSIBLE : Match.NONE;
    try (SeekableByteChannel channel = Files.newByteChannel(path)) {
      ByteBuffer head = ByteBuffer.allocate(HEAD).order(ByteOrder.LITTLE_ENDIAN);
      while (head.hasRemaining() && channel.read(head) >= 0) {
        // Reads until the buffer is full or the file ends.
      }
      head.flip();
      if (head.remaining() < 10) {
        return otherwise;
      }
      long length = head.getLong();
      if (Long.compareUnsigned(length, MAX_HEADER) > 0 || !startsLikeHeader(head)) {
        return otherwise;
      }
      return length + 8 <= channel.size() ? Match.CERTAIN : Match.LIKELY;
    } catch (IOException | SecurityException unreadable) {
      return otherwise;
    }
  }

  /** An opening brace, then a key or the closing brace, with any white space around. */
  private static boolean startsLikeHeader(ByteBuffer head) {
    String wanted = "{";
    while (head.hasRemaining()) {
      char c = (char) (head.get() & 0xff);
      if (wanted.indexOf(c) >= 0) {
        if (c != '{') {
          return true;
        }
        wanted = "\"}";
      } else if (" \n\r\t".indexOf(c) < 0) {
        return false;
      }
    }
    return false;
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no file");
    }
    of.choices().requireNoEntry(id());
    ModelFiles files = ModelFiles.single(of.path(), input.describe(), limits);
    return OwnFiles.source(files, of.choices(), limits);
  }
}
