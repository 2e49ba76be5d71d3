package dev.monoquant.io.gguf;

import com.google.auto.service.AutoService;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputFiles;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.Staging;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes a model directory of transformers from a GGUF model of llama, qwen or bert: {@code
 * model.safetensors} with the names of transformers, {@code config.json}, {@code tokenizer.json}
 * and {@code tokenizer_config.json}, as far as the metadata tells, and the {@link Manifest}.
 *
 * <p>What this does not do: it stores no quantized weights, and no models that are not GGUF; it
 * writes one file of tensors. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class ModelDirectoryOutput implements OutputFormat {

  private static final String TENSORS = "model.safetensors";

  private final Disk disk;

  /** Made by the service loader. */
  public ModelDirectoryOutput() {
    this(Disk.REAL);
  }

  ModelDirectoryOutput(Disk disk) {
    this.disk = disk;
  }

  @Override
  public String id() {
    return "model-directory";
  }

  @Override
  public boolean accepts(Path target) {
    return false;
  }

  @Override
  public ModelSource view(ModelSource source) throws IOException {
    return RestoredModel.view(source);
  }

  @Override
  public ModelSource floatView(ModelSource source) throws IOException {
    return RestoredModel.view(source);
  }

  @Override
  public OutputSession open(ModelSource source) throws IOException {
    Optional<RestoredModel> model = source.find(RestoredModel.class);
    if (model.isEmpty()) {
      throw RestoredModel.refusal(source);
    }
    return new Session(source, model.get(), disk);
  }

  private record Session(ModelSource source, RestoredModel model, Disk disk)
      implements OutputSession {
    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      return Optional.of("the format model-directory holds floats alone");
    }

    @Override
    public OutputLayout layout(OutputContents contents) {
      return new Layout(source, contents, model, disk);
    }

    @Override
    public void close() {}
  }

  /** One file of tensors, and the files that the metadata makes. */
  private static final class Layout implements OutputLayout {

    private final ModelSource source;
    private final OutputContents contents;
    private final RestoredModel model;
    private final Disk disk;
    private final SafetensorsLayout tensors;
    private final Map<String, String> texts = new TreeMap<>(Map.of("format", "pt"));

    Layout(ModelSource source, OutputContents contents, RestoredModel model, Disk disk) {
      this.source = source;
      this.contents = contents;
      this.model = model;
      this.disk = disk;
      texts.putAll(ProvenanceText.of(contents));
      this.tensors = new SafetensorsLayout(contents.kept(), texts);
    }

    @Override
    public long bytes() {
      return tensors.fileBytes();
    }

    @Override
    public List<BesideFile> beside(Path target) {
      List<BesideFile> made = new ArrayList<>();
      model.files().forEach((name, bytes) -> made.add(BesideFile.made(name, bytes.length)));
      return made;
    }

    @Override
    public OutputWriter open(WriteOptions options) throws IOException {
      return new Writer(this, new OutputJob(source, contents, options));
    }
  }

  /** Writes one directory. */
  private static final class Writer implements OutputWriter {

    private final Layout layout;
    private final OutputJob job;
    private final Staging staging;
    private final OutputFiles files;
    private final List<String> names = new ArrayList<>();
    private boolean finished;

    Writer(Layout layout, OutputJob job) throws IOException {
      this.layout = layout;
      this.job = job;
      Map<String, String> run = new TreeMap<>(layout.texts);
      run.put("the layout of " + TENSORS, layout.tensors.headerHash());
      this.staging = Staging.openDirectory(job, run, layout.bytes(), layout.disk);
      try {
        this.files =
            new OutputFiles(staging, Map.of(TENSORS, layout.tensors), Map.of(TENSORS, Set.of("")));
      } catch (IOException | RuntimeException | Error e) {
        staging.close();
        throw e;
      }
    }

    @Override
    public void writeTile(EncodedWeight weight, EncodedTile tile) {
      throw new IllegalArgumentException(weight.name() + " is quantized");
    }

    @Override
    public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) {
      throw new IllegalArgumentException(weight.name() + " is quantized");
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
      files.write(TENSORS, tensor.name(), offset, data);
    }

    @Override
    public List<String> notes() {
      return staging.notes();
    }

    @Override
    public Optional<Path> finish() throws IOException {
      for (Map.Entry<String, byte[]> file : layout.model.files().entrySet()) {
        staging.write(file.getKey(), file.getValue());
        names.add(file.getKey());
      }
      Manifest.Builder manifest = new Manifest.Builder(job.contents());
      names.addAll(files.finishAll(manifest));
      staging.write(Manifest.FILE, manifest.build(staging.inputs(), staging.files()));
      names.add(Manifest.FILE);
      finished = true;
      return Optional.empty();
    }

    @Override
    public List<Path> commit() throws IOException {
      if (!finished) {
        finish();
      }
      staging.commit();
      return names.stream().map(name -> job.options().target().resolve(name)).toList();
    }

    @Override
    public void close() throws IOException {
      try (staging) {
        files.close();
      }
    }
  }
}
