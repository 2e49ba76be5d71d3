package dev.monoquant.io.torchscript;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputTarget;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.script.HolderOptions;
import dev.monoquant.script.Mode;
import dev.monoquant.script.Rewritten;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Rewrites a TorchScript archive with quantized weights and with code that runs them. libtorch,
 * PyTorch and DJL load it like any other archive. The input must be a TorchScript archive.
 *
 * <p>The bytes, after the container of {@link dev.monoquant.files.zip.ArchiveLayout}, all in the
 * folder of the original:
 *
 * <ul>
 *   <li>{@code data.pkl}, {@code code/...py} and {@code constants.pkl}: the rewritten program;
 *   <li>{@code version}, {@code byteorder} and {@code extra/...} unchanged; source ranges for
 *       debuggers, traced inputs and other records not needed to run are left out and counted;
 *   <li>{@code extra/monoquant.json}: the location of each tensor, see {@link ArchiveDescription};
 *   <li>{@code extra/monoquant-manifest.json}: hashes of everything, see {@link
 *       dev.monoquant.files.manifest.Manifest};
 *   <li>{@code data/KEY} and {@code constants/KEY}: storages of the original that the program still
 *       refers to, byte for byte and each once, however many tensors are views of them; then the
 *       parts of the weights, see {@link HeldStorage}.
 * </ul>
 *
 * <p>If the input is a directory and the target does not have the name of an archive, the output is
 * a directory too: the archive, and unchanged copies of the files beside it. If the archive has the
 * name of its directory, by which DJL finds it, it gets the name of the new directory, unless
 * {@code serving.properties} names it.
 *
 * <p>libtorch returns the extra files on request: in DJL with {@code optOption("extraFiles",
 * "monoquant.json")} as a property of the model, in Python with {@code torch.jit.load(file,
 * _extra_files={"monoquant.json": ""})}.
 *
 * <p>The same contents and data give the same bytes. What this does not do: it traces no model.
 * Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class TorchScriptOutput implements OutputFormat {

  /** The kinds whose inputs are quantized with one range. */
  private static final Set<LayerKind> RANGED =
      Set.of(LayerKind.LINEAR, LayerKind.CONV1D_TRANSPOSED, LayerKind.CONV1D, LayerKind.CONV2D);

  private final Disk disk;
  private final Rewriting.Factory rewriting;

  /** Made by the service loader. */
  public TorchScriptOutput() {
    this(Disk.REAL, Rewriting.REAL);
  }

  TorchScriptOutput(Disk disk, Rewriting.Factory rewriting) {
    this.disk = disk;
    this.rewriting = rewriting;
  }

  @Override
  public String id() {
    return "torchscript";
  }

  @Override
  public boolean isRunnable() {
    return true;
  }

  @Override
  public boolean accepts(Path target) {
    return ScriptPlace.isFile(target);
  }

  /** {@return whether the model is a directory that DJL serves, and the target may be one} */
  @Override
  public boolean continues(ModelSource source, Path target) {
    return (OutputTarget.isNamedAsDirectory(target) || Files.isDirectory(target))
        && source.find(ScriptSource.class).filter(s -> !s.nameIn(target).isEmpty()).isPresent();
  }

  @Override
  public List<OptionSpec<?>> options() {
    return HolderOptions.all();
  }

  /** {@return whether it is to run with a static range that it lacks} */
  @Override
  public boolean needsRange(EncodedWeight weight) {
    return isStatic(weight) && !HolderOptions.hasRange(weight);
  }

  private static boolean isStatic(EncodedWeight weight) {
    return Mode.of(weight.storage().get(HolderOptions.MODE)) == Mode.STATIC
        && RANGED.contains(weight.matrix().kind());
  }

  @Override
  public EncodedWeight withRange(EncodedWeight weight, Facts.Range range) {
    return isStatic(weight)
        ? weight.withStorage(
            weight
                .storage()
                .with(HolderOptions.LEAST, (double) range.min())
                .with(HolderOptions.GREATEST, (double) range.max()))
        : weight;
  }

  @Override
  public OutputSession open(ModelSource source) throws IOException {
    Original original = Original.of(source);
    return new Session(source, original, rewriting.of(original.script().archive()), disk);
  }

  /** The code is analysed once, at the first query. */
  private record Session(ModelSource source, Original original, Rewriting rewriting, Disk disk)
      implements OutputSession {
    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      ScriptPlan.requireOriginal(original.script());
      return rewriting.refusal(weight);
    }

    @Override
    public OutputLayout layout(OutputContents contents) throws IOException {
      ScriptPlan.requireOriginal(original.script());
      Rewritten rewritten =
          rewriting.rewrite(
              contents.weights(), contents.kept().stream().map(TensorInfo::name).toList());
      return new ScriptPlan(
          source,
          contents,
          original.script(),
          rewritten,
          (plan, job) -> new TorchScriptWriter(plan, job, original.script(), disk));
    }

    @Override
    public void close() throws IOException {
      original.close();
    }
  }

  /**
   * The archive that is rewritten: the source itself, or, if the source is only derived from an
   * archive, that archive opened again.
   *
   * @param script the archive
   * @param own whether to close it
   */
  record Original(ScriptSource script, boolean own) implements Closeable {

    static Original of(ModelSource source) throws IOException {
      Optional<ScriptSource> open = source.find(ScriptSource.class);
      if (open.isPresent()) {
        return new Original(open.get(), false);
      }
      List<Path> files = new ArrayList<>(source.info().files());
      // A live model has no file except the temporary one.
      source
          .find(RunnableFile.class)
          .map(RunnableFile::file)
          .filter(f -> !files.contains(f))
          .ifPresent(files::add);
      for (Path file : files) {
        ModelInput input = ModelInput.of(file);
        if (new TorchScriptFormat().probe(input) != Match.NONE) {
          return new Original(
              ScriptReader.open(file, source.info().name(), ReadLimits.DEFAULT), true);
        }
      }
      throw new ConfigurationException(
          QuantException.quote(source.info().name())
              + " is no TorchScript archive, and only the code of one can be made to run quantized"
              + " weights. Write a .safetensors file, or trace the model in PyTorch first:"
              + " torch.jit.trace(model, example).save(\"model.pt\")");
    }

    @Override
    public void close() {
      if (own) {
        script.close();
      }
    }
  }
}
