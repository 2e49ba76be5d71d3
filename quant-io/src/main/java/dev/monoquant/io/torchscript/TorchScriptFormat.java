package dev.monoquant.io.torchscript;

import com.google.auto.service.AutoService;
import dev.monoquant.files.torch.TorchProbe;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Reads archives of {@code torch.jit.save}, recognised by their content: parameters and buffers
 * with their state dict names, and the layer kinds that the classes of {@code torch.nn} declare,
 * traced or scripted.
 *
 * <p>A directory in DJL's layout, with one archive and {@code serving.properties}, is accepted too;
 * the files beside the archive are side files.
 *
 * <p>Tensors that are plain attributes or constants of the code are reported and left out, as in a
 * state dict. A frozen module has only constants: these are its tensors, under their names in the
 * code ({@code CONSTANTS.c3}), and the operations that use them determine the layers. From an
 * archive that {@link TorchScriptOutput} wrote, quantized weights are read. What this does not do:
 * it runs no code and does not check whether the archive would run; it reads no weights that
 * PyTorch packed. Stateless and thread-safe.
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
    if (!(input instanceof ModelInput.OfPath of)) {
      return Match.NONE;
    }
    if (Files.isDirectory(of.path())) {
      return probeDirectory(of.path());
    }
    if (!Files.isRegularFile(of.path())
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
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no file");
    }
    of.choices().requireNone(id());
    if (!Files.isDirectory(of.path())) {
      return ScriptReader.open(of.path(), input.describe(), limits);
    }
    ScriptPlace place = ScriptPlace.in(of.path());
    ScriptArchive archive = ScriptArchive.open(place.file(), place.file().toString(), limits);
    return ScriptReader.open(archive, place, List.of());
  }

  @Override
  public Optional<RunnableFile> program(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      return Optional.empty();
    }
    Path file = Files.isDirectory(of.path()) ? ScriptPlace.in(of.path()).file() : of.path();
    try (ScriptArchive archive = ScriptArchive.open(file, file.toString(), limits)) {
      List<String> findings = archive.notComputing();
      return Optional.of(new RunnableFile(() -> file, archive.script().methods(), () -> findings));
    }
  }

  private static Match probeDirectory(Path directory) {
    try {
      return ScriptPlace.archives(directory).isEmpty() ? Match.NONE : Match.LIKELY;
    } catch (IOException | SecurityException unreadable) {
      return Match.NONE;
    }
  }
}
