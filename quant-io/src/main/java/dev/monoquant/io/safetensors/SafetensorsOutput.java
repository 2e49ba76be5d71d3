package dev.monoquant.io.safetensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.json.TextPieces;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputFile;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.SingleFileWriter;
import dev.monoquant.files.safetensors.SafetensorsLayout;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.Encoding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes one safetensors file that describes itself: tensors left unquantized as they were, every
 * part of a quantized weight as a tensor, and in the metadata which parts form a weight. The
 * encoding of any scheme can be stored, and {@link SafetensorsFormat} reads it back.
 *
 * <p>The bytes, after the container of {@link SafetensorsLayout}:
 *
 * <ul>
 *   <li>a tensor left unquantized: its name, type and shape are unchanged;
 *   <li>a quantized weight {@code W}: the codes under {@code W}, see {@link Encoding#numbers}, any
 *       other part under {@code W_PART}, such as {@code fc.weight_scale}; packed along the columns
 *       as {@link Packing#BITS} says, of shape (rows, ceil(cols * bits / 8)) below 8 bits;
 *   <li>a cast to floats of 16 bits and more: under {@code W} in its original shape and axis order;
 *   <li>{@code __metadata__}: {@code monoquant.manifest}, see {@link Manifest}, with the SHA-256 of
 *       every input file and tensor; the metadata of the input; {@code format} = {@code pt} if that
 *       has no format; {@code monoquant.version} = {@code 1}, the version of this layout; each
 *       provenance text under {@code monoquant.} and its name; and {@code monoquant.weights}, JSON
 *       that describes each quantized weight completely.
 * </ul>
 *
 * <p>The same contents and data give the same bytes. What this does not do: it copies no side
 * files. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class SafetensorsOutput implements OutputFormat {

  private final Disk disk;

  /** Made by the service loader. */
  public SafetensorsOutput() {
    this(Disk.REAL);
  }

  SafetensorsOutput(Disk disk) {
    this.disk = disk;
  }

  @Override
  public String id() {
    return "safetensors";
  }

  @Override
  public boolean accepts(Path target) {
    return target.getFileName() != null && target.getFileName().toString().endsWith(".safetensors");
  }

  @Override
  public OutputSession open(ModelSource source) {
    return new Session(source, disk);
  }

  private record Session(ModelSource source, Disk disk) implements OutputSession {
    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      return Optional.empty();
    }

    @Override
    public OutputLayout layout(OutputContents contents) {
      return new Layout(source, contents, disk);
    }

    @Override
    public void close() {}
  }

  /** One file; only its numbers and the hashes in its header are not known yet. */
  static final class Layout implements OutputLayout {

    private final ModelSource source;
    private final OutputContents contents;
    private final Disk disk;
    private final TextPieces description;
    private final SafetensorsLayout open;

    /** The names of the tensors of each weight. */
    private final Map<String, List<String>> parts = new HashMap<>();

    private Layout(ModelSource source, OutputContents contents, Disk disk) {
      this.source = source;
      this.contents = contents;
      this.disk = disk;
      List<TensorInfo> all = new ArrayList<>(contents.kept());
      for (EncodedWeight weight : contents.weights()) {
        List<TensorInfo> own = SelfDescription.parts(weight).tensors();
        all.addAll(own);
        parts.put(weight.name(), own.stream().map(TensorInfo::name).toList());
      }
      this.description = SelfDescription.write(contents.weights());
      List<String> names = all.stream().map(TensorInfo::name).toList();
      List<String> inputs = Manifest.inputNames(contents, source.info().files());
      Manifest unknown = Manifest.unknown(Manifest.Kinds.of(contents), inputs, names);
      this.open = SafetensorsLayout.of(all, metadata(unknown));
    }

    @Override
    public long bytes() {
      return open.fileBytes();
    }

    @Override
    public List<Place> places(String name) {
      long header = open.headerLength();
      return parts.getOrDefault(name, List.of(name)).stream()
          .map(open::tensor)
          .map(stored -> new Place("", header + stored.begin(), stored.bytes()))
          .toList();
    }

    @Override
    public List<BesideFile> beside(Path target) {
      return source.info().sideFiles().stream()
          .map(side -> BesideFile.leftOut(side, "the output is a single file"))
          .toList();
    }

    @Override
    public List<String> notes() {
      List<SideFile> sides = source.info().sideFiles();
      return sides.isEmpty()
          ? List.of()
          : List.of("left out, since the output is a single file: " + SideFiles.described(sides));
    }

    @Override
    public OutputWriter open(WriteOptions options) throws IOException {
      return new Writer(this, new OutputJob(source, contents, options), disk);
    }

    /** {@return the kinds of the hashes in the manifest} */
    Manifest.Kinds kinds() {
      return Manifest.Kinds.of(contents);
    }

    /** {@return the layout with placeholders for the hashes in the manifest} */
    SafetensorsLayout open() {
      return open;
    }

    /** {@return the layout with a manifest; its length does not depend on the hashes} */
    SafetensorsLayout with(Manifest manifest) {
      return open.withTexts(metadata(manifest));
    }

    private Map<String, TextPieces> metadata(Manifest manifest) {
      Map<String, String> texts = new HashMap<>();
      source
          .info()
          .metadata()
          .forEach(
              (key, value) -> {
                // The description that an earlier run wrote does not apply to this output.
                if (!key.startsWith(SelfDescription.PREFIX)) {
                  texts.put(key, value);
                }
              });
      texts.putIfAbsent("format", "pt");
      texts.putAll(ProvenanceText.of(contents));
      texts.put(SelfDescription.VERSION_KEY, SelfDescription.VERSION);
      Map<String, TextPieces> all = new HashMap<>();
      texts.forEach((key, text) -> all.put(key, TextPieces.of(text)));
      all.put(Manifest.KEY, manifest.pieces());
      if (!contents.weights().isEmpty()) {
        all.put(SelfDescription.WEIGHTS_KEY, description);
      }
      return all;
    }
  }

  /** Writes one safetensors file. */
  private static final class Writer extends SingleFileWriter<OutputFile> {

    private final Layout layout;

    Writer(Layout layout, OutputJob job, Disk disk) throws IOException {
      super(job, layout.bytes(), disk, staging -> new OutputFile(staging, "", layout.open()));
      this.layout = layout;
    }

    @Override
    protected WeightLayout.Writer parts(EncodedWeight weight) {
      return SelfDescription.parts(weight)
          .writer((tensor, offset, data) -> file().write(tensor.name(), offset, data));
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
      file().write(tensor.name(), offset, data);
    }

    @Override
    protected void complete() throws IOException {
      Manifest open = Manifest.of(layout.kinds(), staging().inputs(), file().hashes());
      String self = layout.with(open).headerHash();
      file().finish(layout.with(open.withSelf(self)));
    }
  }
}
