package dev.monoquant.io.safetensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.model.DirectoryChoices;
import dev.monoquant.files.model.ModelDirectory;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Reads a model directory in the layout of Hugging Face: {@code model.safetensors}, or shards with
 * {@code model.safetensors.index.json}, and all files beside them. The path of the index is
 * accepted too.
 *
 * <p>What this does not do: it reads no PyTorch checkpoints and no quantized directories of other
 * projects; their tensors would look like plain integers. Stateless and thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class ModelDirectoryFormat implements InputFormatDetector {

  /** Made by the service loader. */
  public ModelDirectoryFormat() {}

  @Override
  public String id() {
    return "model-directory";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of) || !ModelDirectory.fits(of.path())) {
      return Match.NONE;
    }
    if (!Files.isDirectory(of.path())) {
      return Match.LIKELY;
    }
    try (Stream<Path> entries = Files.list(of.path())) {
      boolean tensors = entries.anyMatch(p -> p.getFileName().toString().contains(".safetensors"));
      return tensors ? Match.LIKELY : Match.POSSIBLE;
    } catch (IOException | SecurityException unreadable) {
      return Match.NONE;
    }
  }

  @Override
  public List<OptionSpec<?>> options() {
    return DirectoryChoices.OPTIONS;
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    return open(input, limits, OptionValues.DEFAULTS);
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
      throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no directory");
    }
    of.choices().requireNoEntry(id());
    return OwnFiles.source(
        ModelDirectory.open(of.path(), limits, DirectoryChoices.of(options)), of.choices(), limits);
  }
}
