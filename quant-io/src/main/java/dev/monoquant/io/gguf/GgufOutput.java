package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.files.gguf.GgmlType;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufLayout;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.FileLayout.Region;
import dev.monoquant.files.output.OutputJob;
import dev.monoquant.files.output.RegionFile;
import dev.monoquant.files.output.SingleFileWriter;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.SchemeMix;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Function;

/**
 * Writes a GGUF file from a GGUF model, or from a model directory of transformers whose
 * architecture a {@link GgufArchitecture} knows: the names, shapes and metadata of GGUF, weights in
 * the blocks of {@code ggml/} schemes, or cast to F16 or BF16. The data of each tensor is what ggml
 * makes of it.
 *
 * <p>All metadata of a GGUF model is carried over as it is, but that of parts ({@code split.});
 * {@code general.quantization_version} is 2, {@code general.file_type} the type of most quantized
 * weights. Behind them are texts of {@code monoquant.}: how the file was made, and the {@link
 * Manifest} with the hashes of the inputs and of every tensor; its {@code self} covers the bytes
 * before the data.
 *
 * <p>What this does not do: it does not make a GGUF file of a model without config.json and
 * tokenizer; it writes one file, not parts. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class GgufOutput implements OutputFormat {

  private static final String FILE_TYPE = "general.file_type";
  private static final String QUANTIZATION = "general.quantization_version";
  private static final String SPLIT = "split.";
  private static final int QUANTIZATION_VERSION = 2;

  /** The numbers of {@code llama_ftype} for files of one type. */
  private static final Map<GgmlType, Integer> FILE_TYPES =
      Map.ofEntries(
          Map.entry(GgmlType.F16, 1),
          Map.entry(GgmlType.Q4_0, 2),
          Map.entry(GgmlType.Q4_1, 3),
          Map.entry(GgmlType.Q8_0, 7),
          Map.entry(GgmlType.Q5_0, 8),
          Map.entry(GgmlType.Q5_1, 9),
          Map.entry(GgmlType.Q2_K, 10),
          Map.entry(GgmlType.Q3_K, 11),
          Map.entry(GgmlType.Q4_K, 14),
          Map.entry(GgmlType.Q5_K, 16),
          Map.entry(GgmlType.Q6_K, 18),
          Map.entry(GgmlType.IQ2_XXS, 19),
          Map.entry(GgmlType.IQ2_XS, 20),
          Map.entry(GgmlType.IQ3_XXS, 23),
          Map.entry(GgmlType.IQ1_S, 24),
          Map.entry(GgmlType.IQ4_NL, 25),
          Map.entry(GgmlType.IQ3_S, 26),
          Map.entry(GgmlType.IQ2_S, 28),
          Map.entry(GgmlType.IQ4_XS, 30),
          Map.entry(GgmlType.IQ1_M, 31),
          Map.entry(GgmlType.BF16, 32),
          Map.entry(GgmlType.TQ1_0, 36),
          Map.entry(GgmlType.TQ2_0, 37),
          Map.entry(GgmlType.MXFP4, 38),
          Map.entry(GgmlType.NVFP4, 39),
          Map.entry(GgmlType.Q1_0, 40));

  private final Disk disk;

  /** Made by the service loader. */
  public GgufOutput() {
    this(Disk.REAL);
  }

  GgufOutput(Disk disk) {
    this.disk = disk;
  }

  @Override
  public String id() {
    return "gguf";
  }

  @Override
  public List<String> mixes() {
    return TypeMix.names();
  }

  @Override
  public boolean accepts(Path target) {
    return target.getFileName() != null && target.getFileName().toString().endsWith(".gguf");
  }

  /** Experts that are one tensor become matrices of their own. */
  @Override
  public ModelSource view(ModelSource source) throws IOException {
    return ExpertView.of(floatView(source));
  }

  @Override
  public ModelSource storedView(ModelSource source) throws IOException {
    return floatView(source);
  }

  @Override
  public ModelSource floatView(ModelSource source) throws IOException {
    return GgufConversion.view(source, Architectures.load());
  }

  @Override
  public OutputSession open(ModelSource source) throws IOException {
    Optional<GgufModel> model = source.find(GgufModel.class);
    if (model.isEmpty()) {
      throw GgufConversion.refusal(source, Architectures.load());
    }
    return new Session(source, model.get(), disk);
  }

  private record Session(ModelSource source, GgufModel model, Disk disk) implements OutputSession {
    @Override
    public Optional<String> unsupportedLayer(WeightMatrix weight) {
      return GgufNames.isAdded(weight.layer())
          ? Optional.of("llama.cpp adds it to other numbers, and reads it in F32 alone")
          : Optional.empty();
    }

    @Override
    public Optional<String> unsupported(EncodedWeight weight) {
      Optional<String> layer = unsupportedLayer(weight.matrix());
      return layer.isPresent() || type(weight).isPresent()
          ? layer
          : Optional.of(
              "a GGUF file has no type for "
                  + weight.scheme()
                  + " with these options; it has blocks of ggml/ schemes along rows, F16 and BF16");
    }

    @Override
    public Optional<SchemeMix> mix(String name, boolean calibrated) {
      Optional<TypeMix> mix = TypeMix.find(name);
      if (mix.equals(Optional.of(TypeMix.Q2_K_S)) && !calibrated) {
        throw new ConfigurationException(
            "the mix Q2_K_S is of no use without the importance of columns. Give a file with"
                + " --calibration, or choose Q2_K");
      }
      return mix.map(m -> new MixRules(m, facts(), calibrated, source));
    }

    private MixRules.Facts facts() {
      try {
        String architecture = model.text("general.architecture").orElse("");
        int heads = number(architecture + ".attention.head_count");
        int keyHeads = number(architecture + ".attention.head_count_kv");
        return new MixRules.Facts(
            architecture,
            number(architecture + ".block_count"),
            number(architecture + ".expert_count"),
            heads,
            keyHeads == 0 ? heads : keyHeads);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private int number(String key) throws IOException {
      return (int) Math.max(0, Math.min(model.number(key).orElse(0), Integer.MAX_VALUE));
    }

    @Override
    public OutputLayout layout(OutputContents contents) throws IOException {
      return new Layout(source, contents, model.metadata(), model.alignment(), disk);
    }

    @Override
    public void close() {}
  }

  /** {@return the type that stores a weight; empty if there is none} */
  private static Optional<GgmlType> type(EncodedWeight weight) {
    if (weight.matrix().rowAxis() != 0) {
      return Optional.empty();
    }
    if (weight.encoding().formula() instanceof Formula.Cast) {
      return plain(weight.encoding().parts().get(0).type());
    }
    long last = weight.matrix().tensor().shape().dim(-1);
    return BlockForm.of(weight).map(BlockForm::type).filter(type -> last % type.numbers() == 0);
  }

  private static Optional<GgmlType> plain(ElementType element) {
    for (GgmlType type : GgmlType.values()) {
      if (type.plain().isPresent() && type.plain().get() == element) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** One file; only its numbers and the hashes in its header are not known yet. */
  private static final class Layout implements OutputLayout {

    private final ModelSource source;
    private final OutputContents contents;
    private final List<Value> carried;
    private final long alignment;
    private final Disk disk;
    private final List<GgufTensor> tensors = new ArrayList<>();
    private final Map<String, Part> parts = new HashMap<>();
    private final Map<String, GgmlType> types = new HashMap<>();
    private final GgufLayout open;
    private final Map<String, Region> regions = new HashMap<>();

    Layout(
        ModelSource source,
        OutputContents contents,
        List<Value> metadata,
        long alignment,
        Disk disk) {
      this.source = source;
      this.contents = contents;
      this.alignment = alignment;
      this.disk = disk;
      this.carried = carried(metadata, contents);
      for (TensorInfo tensor : contents.kept()) {
        add(tensor, plain(tensor.type()).orElseThrow(() -> noType(tensor)));
      }
      for (EncodedWeight weight : contents.weights()) {
        add(weight.matrix().tensor(), type(weight).orElseThrow());
      }
      List<String> names = tensors.stream().map(GgufTensor::name).toList();
      List<String> inputs = Manifest.inputNames(contents, source.info().files());
      this.open = with(Manifest.unknown(Manifest.Kinds.of(contents), inputs, names));
      open.regions().forEach(region -> regions.put(region.name(), region));
    }

    /** Where a tensor is written: that of the file's tensor, or a part of it for an expert. */
    private record Part(String tensor, long offset, long length) {}

    private void add(TensorInfo tensor, GgmlType type) {
      Optional<ExpertView.Expert> expert = ExpertView.expert(source, tensor.name());
      TensorInfo whole = expert.map(ExpertView.Expert::whole).orElse(tensor);
      long bytes = bytes(tensor, type);
      parts.put(
          tensor.name(),
          new Part(whole.name(), expert.map(e -> e.index() * bytes).orElse(0L), bytes));
      GgufTensor stored = new GgufTensor(whole.name(), type, whole.shape(), 0, bytes(whole, type));
      if (expert.isEmpty() || types.putIfAbsent(whole.name(), type) == null) {
        tensors.add(stored);
      } else if (types.get(whole.name()) != type) {
        throw new ConfigurationException(
            "experts of "
                + quote(whole.name())
                + " are "
                + types.get(whole.name())
                + " and "
                + type
                + ", and a GGUF file has one type for all. Give all experts of a layer the same"
                + " scheme, or exclude all");
      }
    }

    private static long bytes(TensorInfo tensor, GgmlType type) {
      return Math.multiplyExact(tensor.shape().elements() / type.numbers(), (long) type.bytes());
    }

    private static ConfigurationException noType(TensorInfo tensor) {
      return new ConfigurationException(
          "tensor "
              + quote(tensor.name())
              + " is "
              + tensor.type().wire()
              + ", and a GGUF file has no such type. Choose another output");
    }

    /** The metadata of the model, with what the types of the weights change. */
    private static List<Value> carried(List<Value> metadata, OutputContents contents) {
      List<Value> carried = new ArrayList<>();
      for (Value value : metadata) {
        boolean own =
            value.key().startsWith(SPLIT)
                || value.key().startsWith(ProvenanceText.PREFIX)
                || (!contents.weights().isEmpty()
                    && (value.key().equals(FILE_TYPE) || value.key().equals(QUANTIZATION)));
        if (!own) {
          carried.add(value);
        }
      }
      if (!contents.weights().isEmpty()) {
        carried.add(Value.of(QUANTIZATION, QUANTIZATION_VERSION));
        fileType(contents.weights()).ifPresent(n -> carried.add(Value.of(FILE_TYPE, n)));
      }
      return carried;
    }

    /** The number of the mix of most weights, else of the type of most. */
    private static Optional<Integer> fileType(List<EncodedWeight> weights) {
      return most(weights, w -> mix(w).map(TypeMix::fileType))
          .or(() -> most(weights, w -> type(w).map(FILE_TYPES::get)));
    }

    private static Optional<TypeMix> mix(EncodedWeight weight) {
      return Optional.ofNullable(weight.storage().texts().get(SchemeMix.STORED))
          .flatMap(TypeMix::find);
    }

    private static Optional<Integer> most(
        List<EncodedWeight> weights, Function<EncodedWeight, Optional<Integer>> number) {
      Map<Integer, Integer> counts = new HashMap<>();
      weights.forEach(w -> number.apply(w).ifPresent(n -> counts.merge(n, 1, Integer::sum)));
      return counts.entrySet().stream()
          .max(Map.Entry.<Integer, Integer>comparingByValue().thenComparing(Map.Entry::getKey))
          .map(Map.Entry::getKey);
    }

    @Override
    public long bytes() {
      return open.fileBytes();
    }

    @Override
    public List<Place> places(String name) {
      Part part = parts.get(name);
      if (part == null) {
        return List.of();
      }
      long start = requireNonNull(regions.get(part.tensor()), name).start();
      return List.of(new Place("", start + part.offset(), part.length()));
    }

    @Override
    public OutputWriter open(WriteOptions options) throws IOException {
      return new Writer(this, new OutputJob(source, contents, options));
    }

    /** {@return the layout with a manifest; its length does not depend on the hashes} */
    GgufLayout with(Manifest manifest) {
      List<Value> all = new ArrayList<>(carried);
      ProvenanceText.of(contents).forEach((key, text) -> all.add(Value.of(key, text)));
      all.add(Value.of(Manifest.KEY, manifest.toText()));
      return new GgufLayout(tensors, all, alignment);
    }
  }

  /** Writes one file; its header comes last, so that no reader accepts an incomplete one. */
  private static final class Writer extends SingleFileWriter<RegionFile<String>> {

    private final Layout layout;

    Writer(Layout layout, OutputJob job) throws IOException {
      super(
          job,
          layout.bytes(),
          layout.disk,
          staging ->
              new RegionFile<>(
                  staging,
                  "",
                  layout.bytes(),
                  layout.open.regions(),
                  (pool, bytes, from, length) ->
                      pool.submit(staging.hashKind(), bytes, from, length)));
      this.layout = layout;
    }

    @Override
    public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
      if (weight.encoding().formula() instanceof Formula.Cast cast) {
        byte[] cells = tile.part(cast.values());
        long rowBytes = cells.length / tile.height();
        write(weight.name(), tile.firstRow() * rowBytes, ByteBuffer.wrap(cells));
        return;
      }
      super.writeTile(weight, tile);
    }

    @Override
    public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) throws IOException {
      if (!(weight.encoding().formula() instanceof Formula.Cast)) {
        super.writeWhole(weight, whole);
      }
    }

    @Override
    protected WeightLayout.Writer parts(EncodedWeight weight) {
      return new BlockLayout(weight.matrix(), BlockForm.of(weight).orElseThrow())
          .writer((tensor, offset, data) -> write(weight.name(), offset, data));
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
      write(tensor.name(), offset, data);
    }

    private void write(String tensor, long offset, ByteBuffer data) throws IOException {
      Layout.Part part = requireNonNull(layout.parts.get(tensor), tensor);
      file().write(part.tensor(), part.offset() + offset, data);
    }

    @Override
    protected void complete() throws IOException {
      file().flushSoon();
      SortedMap<String, String> hashes = Manifest.sorted();
      for (Region region : layout.open.regions()) {
        hashes.put(region.name(), file().sums(region.name()));
      }
      Manifest open = Manifest.of(Manifest.Kinds.of(layout.contents), staging().inputs(), hashes);
      GgufLayout last = layout.with(open.withSelf(Sha256.of(layout.with(open).headerBytes())));
      for (Map.Entry<Long, byte[]> padding : last.paddings().entrySet()) {
        file().writeBetween(padding.getKey(), ByteBuffer.wrap(padding.getValue()));
      }
      file().writeBetween(0, ByteBuffer.wrap(last.headerBytes()));
      file().seal();
      GgufFile.check(file().path(), last);
    }
  }
}
