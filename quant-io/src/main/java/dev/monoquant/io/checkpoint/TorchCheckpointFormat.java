package dev.monoquant.io.checkpoint;

import com.google.auto.service.AutoService;
import dev.monoquant.files.torch.TorchProbe;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Reads checkpoints of {@code torch.save}, recognised by their content: a zip file, a legacy file,
 * a directory with {@code pytorch_model.bin} or with shards and their index, or that index.
 *
 * <p>The pickle is read as data, by an allow-list; nothing in it is executed. Tensors may be views
 * with any strides and may share storages; reading returns the bytes of a contiguous little-endian
 * copy. Tensors of {@code qint8} and {@code quint8} are quantized weights of scheme {@code int8}.
 * In a nested checkpoint the entry with the weights is chosen ({@link
 * dev.monoquant.spi.ReadChoices}) and reported. Files of a known other kind match as {@link
 * Match#POSSIBLE}, so that the error names their kind.
 *
 * <p>What this does not do: it reads no sparse or 128-bit complex tensors, no pickled modules and
 * no TorchScript. A name that ends in {@code .safetensors} promises that there is no pickle, so a
 * checkpoint with such a name is not accepted. Stateless and thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class TorchCheckpointFormat implements InputFormatDetector {

  /** Made by the service loader. */
  public TorchCheckpointFormat() {}

  @Override
  public String id() {
    return "torch-checkpoint";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of)) {
      return Match.NONE;
    }
    if (Files.isDirectory(of.path())) {
      return CheckpointDirectory.fits(of.path()) ? Match.LIKELY : Match.NONE;
    }
    String name = of.path().toString().toLowerCase(Locale.ROOT);
    if (!Files.isRegularFile(of.path()) || name.endsWith(".safetensors")) {
      return Match.NONE;
    }
    if (CheckpointDirectory.isIndex(of.path())) {
      return Match.LIKELY;
    }
    Match otherwise = name.matches("(?s).*\\.(pt|pth|bin|ckpt)") ? Match.POSSIBLE : Match.NONE;
    try {
      return probe(of.path(), otherwise);
    } catch (IOException | SecurityException unreadable) {
      return otherwise;
    }
  }

  private static Match probe(Path path, Match otherwise) throws IOException {
    TorchProbe.Ends ends = TorchProbe.Ends.read(path);
    if (CheckpointFile.LegacyFile.fits(ends.head())) {
      return Match.CERTAIN;
    }
    return switch (TorchProbe.look(ends)) {
      case CHECKPOINT -> Match.CERTAIN;
      case SCRIPT -> Match.NONE;
      case FOREIGN, EXPORTED -> Match.POSSIBLE;
      case NOTHING -> otherwise;
    };
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no file or directory");
    }
    if (Files.isDirectory(of.path()) || CheckpointDirectory.isIndex(of.path())) {
      return CheckpointDirectory.open(of.path(), of.choices(), limits);
    }
    return CheckpointReader.single(of.path(), input.describe(), of.choices(), limits);
  }
}
