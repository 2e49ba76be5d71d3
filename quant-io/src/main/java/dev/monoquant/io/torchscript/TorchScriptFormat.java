package dev.monoquant.io.torchscript;

import com.google.auto.service.AutoService;
import dev.monoquant.io.torch.TorchProbe;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Locale;

/**
 * Reads archives of {@code torch.jit.save}, recognised by their content: parameters and buffers by
 * the names that a state dict has, and the kinds of layers as their classes in {@code torch.nn}
 * declare them, traced or scripted.
 *
 * <p>Tensors that are plain attributes or constants of the code are reported and left out, as in a
 * state dict. A frozen module has nothing else: there constants are the tensors, named as the code
 * names them, {@code CONSTANTS.c3}, and what the code does with them makes them layers. An archive
 * that {@link TorchScriptOutput} wrote gives its quantized weights. What this does not do: it runs
 * no code and does not tell whether the archive would run; it reads no weights that PyTorch packed.
 * Stateless and thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class TorchScriptFormat implements InputFormatDetector {

  /** Made by the service loader. */
  public TorchScriptFormat() {}

  @Override
  public String id() {
    return "torchscript";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of)
        || !Files.isRegularFile(of.path())
        || of.path().toString().toLowerCase(Locale.ROOT).endsWith(".safetensors")) {
      return Match.NONE;
    }
    try {
      return TorchProbe.look(TorchProbe.Ends.read(of.path())) == TorchProbe.Look.SCRIPT
          ? Match.CERTAIN
          : Match.NONE;
    } catch (IOException | SecurityException unreadable) {
      return Match.NONE;
    }
  }

  @Override
  public TensorSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no file");
    }
    of.choices().requireNone(id());
    return ScriptReader.open(of.path(), input.describe(), limits);
  }
}
