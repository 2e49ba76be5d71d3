package dev.monoquant.core.observe;

import com.google.gson.JsonObject;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.Selector;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.control.CalibrationOptions.Range;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.LibraryVersion;
import dev.monoquant.core.report.CalibrationReport;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.ModelRunners;
import dev.monoquant.core.trial.ObserveJob;
import dev.monoquant.core.trial.RunJob;
import dev.monoquant.core.trial.SampleFiles;
import dev.monoquant.core.trial.SumsFile;
import dev.monoquant.core.trial.TrustedCode;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ObservableModel;
import dev.monoquant.spi.ObservableModel.Bins;
import dev.monoquant.spi.ObservableModel.Input;
import dev.monoquant.spi.ObservableModel.Request;
import dev.monoquant.spi.ObservableModel.Total;
import dev.monoquant.spi.RunnableFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Collects the statistics of the inputs of layers: writes programs that observe, runs them on the
 * samples in one or more passes, and writes the file.
 *
 * <p>The sums of a pass are saved in a folder beside the target while it runs, NAME.progress, which
 * is removed at the end. An interrupted run can go on from there and gives the same bytes.
 */
public final class CalibrationRun {

  private static final int BINS = 2048;

  private final Settings settings;
  private final CalibrationOptions options;
  private final Path target;
  private final Path folder;
  private final ModelSource source;
  private final ObservableModel model;
  private final RunnableFile original;
  private final List<ObservedLayer> layers;
  private final Map<String, String> hashes = new LinkedHashMap<>();
  private final Map<String, String> leftOut = new LinkedHashMap<>();
  private final Set<String> notes = new HashSet<>();
  private final String modelHash;
  private final int passes;

  private CalibrationRun(Settings given, CalibrationOptions options, Opened opened, Path target)
      throws IOException {
    this.options = options;
    this.target = target;
    this.folder = target.resolveSibling(target.getFileName() + ".progress");
    this.source = opened.source();
    this.settings = given.withSamples(files(given.samples()));
    this.original =
        source.find(RunnableFile.class).orElseThrow(() -> notObservable(source.info().name()));
    TrustedCode.require(
        settings, source.info().name(), Optional.of(original), RunJob.Purpose.COMPARE);
    this.model =
        source.find(ObservableModel.class).orElseThrow(() -> notObservable(source.info().name()));
    this.layers = layers();
    int last = layers.stream().flatMap(l -> l.products().stream()).mapToInt(n -> n).max().orElse(0);
    this.passes = 1 + Math.max(last, options.range() == Range.HISTOGRAM ? 1 : 0);
    this.modelHash = Sha256.of(original.file());
    for (SampleInputs sample : settings.samples()) {
      String label = label(sample);
      String hash = hash(sample);
      // Files of several folders may have the same name, and lists of arrays have none.
      String unique = label;
      for (int copy = 2; hashes.putIfAbsent(unique, hash) != null; copy++) {
        unique = label + " (" + copy + ")";
      }
    }
  }

  private static ModelFormatException notObservable(String name) {
    return new ModelFormatException(
        Reason.NOT_THIS_FORMAT,
        name,
        "",
        "it has no program whose layers could be observed. Give a TorchScript archive"
            + " (torch.jit.trace or torch.jit.script) that is not quantized");
  }

  /**
   * Collects statistics and writes them.
   *
   * @param settings the samples, how they are run, and the limits
   * @param input the model
   * @param options what to collect
   * @param target the file to create
   * @param overwrite whether to replace it
   * @return what was collected
   */
  public static CalibrationReport run(
      Settings settings,
      ModelInput input,
      CalibrationOptions options,
      Path target,
      boolean overwrite)
      throws IOException {
    requireTarget(target, overwrite);
    try (Opened opened = InputOpener.open(settings, input, settings.inputOptions())) {
      return new CalibrationRun(settings, options, opened, target).run();
    }
  }

  private static void requireTarget(Path target, boolean overwrite) {
    if (Files.isDirectory(target)) {
      throw new OutputException(
          target + ": is a directory. Name a file, such as model.calibration.safetensors");
    }
    if (Files.exists(target) && !overwrite) {
      throw new OutputException(
          target
              + ": exists. Name another target, or allow to replace it with --force (overwrite).");
    }
    if (Files.exists(target) && !isCalibration(target)) {
      throw new OutputException(
          target + ": holds no calibration, so it is not replaced. Name another target.");
    }
    Path parent = target.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new OutputException(
          target + ": the folder " + parent + " does not exist. Make it first: mkdir -p " + parent);
    }
  }

  /** An existing file of another kind, such as the model itself, is never replaced. */
  private static boolean isCalibration(Path target) {
    try (FileChannel in = FileChannel.open(target)) {
      ByteBuffer head = ByteBuffer.allocate((int) Math.min(in.size(), 1 << 16));
      while (head.hasRemaining() && in.read(head) >= 0) {
        // Until the end of the file, or of the buffer.
      }
      return new String(head.array(), StandardCharsets.ISO_8859_1)
          .contains('"' + CalibrationWriter.VERSION_KEY + '"');
    } catch (IOException e) {
      return false;
    }
  }

  /** The samples, of which there must be some. */
  private static List<SampleInputs> files(List<SampleInputs> samples) {
    if (samples.isEmpty()) {
      throw new ConfigurationException(
          "no samples are given: what a model is calibrated on decides what it is good at. Example:"
              + " --sample inputs.npz, with an array for each parameter of forward (withSamples)");
    }
    return SampleFiles.of(samples);
  }

  private List<ObservedLayer> layers() {
    Map<String, Layer> owners = new HashMap<>();
    for (Layer layer : source.info().layers()) {
      for (TensorInfo tensor : layer.tensors().values()) {
        owners.putIfAbsent(tensor.name(), layer);
      }
    }
    Map<Selector, Boolean> used = new LinkedHashMap<>();
    options.layers().forEach(s -> used.put(s, false));
    options.products().forEach(s -> used.put(s, false));
    model
        .unobserved()
        .forEach(
            (weight, why) -> {
              if (isAny(options.layers(), owners.get(weight), used, true)) {
                leftOut.put(Calibration.layerOf(weight), why);
              }
            });
    List<ObservedLayer> chosen = new ArrayList<>();
    int pass = 0;
    long bytes = 0;
    for (Input input : model.inputs()) {
      Layer owner = owners.get(input.weight());
      if (!isAny(options.layers(), owner, used, true)) {
        continue;
      }
      Optional<Integer> products = Optional.empty();
      if (input.columns() > 0 && isAny(options.products(), owner, used, false)) {
        long own = ObservedLayer.bytes(input);
        if (bytes > 0 && bytes + own > options.productBytes()) {
          pass++;
          bytes = 0;
        }
        bytes += own;
        products = Optional.of(pass);
      }
      chosen.add(new ObservedLayer(Calibration.layerOf(input.weight()), input, products));
    }
    used.forEach(
        (selector, isUsed) -> {
          if (!isUsed) {
            throw new ConfigurationException(
                selector.text() + " selects none of the layers that can be observed");
          }
        });
    if (chosen.isEmpty()) {
      throw new ModelFormatException(
          Reason.NO_TENSORS,
          source.info().name(),
          "",
          "none of its layers can be observed"
              + (leftOut.isEmpty() ? "" : ": " + leftOut.entrySet().iterator().next()));
    }
    return chosen;
  }

  private static boolean isAny(
      List<Selector> selectors,
      @Nullable Layer layer,
      Map<Selector, Boolean> used,
      boolean otherwise) {
    boolean any = selectors.isEmpty() && otherwise;
    for (Selector selector : selectors) {
      if (layer != null && selector.matches(layer)) {
        used.put(selector, true);
        any = true;
      }
    }
    return any;
  }

  private CalibrationReport run() throws IOException {
    boolean done = false;
    if (!options.resume()) {
      deleteProgress();
    }
    Files.createDirectories(folder);
    try {
      long calls = 0;
      AtomicInteger current = new AtomicInteger();
      Progress progress = settings.progress();
      Settings told =
          settings.withProgress(
              (stage, at, total, subject) ->
                  progress.update(stage, at + current.get() * total, passes * total, subject));
      try (ModelRunner runner = ModelRunners.start(told)) {
        for (int pass = 0; pass < passes; pass++) {
          current.set(pass);
          calls = pass(pass, runner);
        }
      }
      CalibrationReport report = write(calls);
      done = true;
      if (report.layers().isEmpty()) {
        throw new ValidationException(
            source.info().name()
                + ": no layer got finite numbers from the samples, which are empty, or have NaN or"
                + " infinities; nothing was written. Give other samples");
      }
      return report;
    } finally {
      if (done || isEmpty()) {
        deleteProgress();
      }
    }
  }

  private boolean isEmpty() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      return !files.iterator().hasNext();
    }
  }

  private void deleteProgress() throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    for (int pass = 0; Files.deleteIfExists(sums(pass)) || pass < passes; pass++) {
      Files.deleteIfExists(folder.resolve(sums(pass).getFileName() + ".part"));
    }
    Files.deleteIfExists(part());
    if (isEmpty()) {
      Files.delete(folder);
    }
  }

  private Path part() {
    return folder.resolve("calibration.part");
  }

  private Path sums(int pass) {
    return folder.resolve("pass-" + (pass + 1) + ".sums");
  }

  /** Runs a pass, and returns the number of calls. */
  private long pass(int pass, ModelRunner runner) throws IOException {
    List<Request> requests = requests(pass);
    Path temporary = Files.createTempDirectory("monoquant-observe-");
    Path observing = temporary.resolve("model.pt");
    try {
      Map<String, String> prefixes = model.write(requests, observing);
      List<String> parameters = new ArrayList<>();
      for (Request request : requests) {
        String prefix = prefixes.get(request.input().weight());
        ObservableModel.SUMS.forEach(sum -> parameters.add(prefix + "." + sum));
      }
      ObserveJob job =
          new ObserveJob(
              source.info().name(),
              original.file(),
              observing,
              original.methods(),
              parameters,
              options.batch(),
              options.mostCalls(),
              sums(pass),
              identity(pass, requests));
      ObserveJob.Outcome outcome =
          RecordedStage.during(
              Progress.Stage.OBSERVING, source.info().name(), 0, () -> runner.observe(job));
      if (!outcome.note().isEmpty()) {
        notes.add(outcome.note());
      }
      return outcome.calls();
    } finally {
      Files.deleteIfExists(observing);
      Files.deleteIfExists(temporary);
    }
  }

  private String identity(int pass, List<Request> requests) {
    return Sha256.of(
        String.join(
                "\n",
                LibraryVersion.text(),
                modelHash,
                hashes.toString(),
                options.batch() + " " + options.mostCalls(),
                pass + " " + requests)
            .getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  private List<Request> requests(int pass) throws IOException {
    List<Request> requests = new ArrayList<>();
    Map<String, double[]> totals = pass == 1 && isHistogram() ? totals() : Map.of();
    for (ObservedLayer layer : layers) {
      boolean products = layer.products().filter(p -> p == pass).isPresent();
      Optional<Bins> bins =
          Optional.ofNullable(totals.get(layer.name()))
              .filter(t -> Total.LEAST.of(t) < Total.GREATEST.of(t))
              .map(t -> new Bins(BINS, Total.LEAST.of(t), Total.GREATEST.of(t)));
      if (pass == 0 || products || bins.isPresent()) {
        requests.add(new Request(layer.input(), products, bins));
      }
    }
    return requests;
  }

  private boolean isHistogram() {
    return options.range() == Range.HISTOGRAM;
  }

  /**
   * The totals of the first pass, by the name of the layer; those of tables alone have no range.
   */
  private Map<String, double[]> totals() throws IOException {
    Map<String, double[]> totals = new LinkedHashMap<>();
    try (SumsFile file = SumsFile.open(sums(0))) {
      List<SumsFile.Item> items = file.items();
      for (int i = 0; i < layers.size(); i++) {
        totals.put(layers.get(i).name(), file.numbers(items.get(i * ObservableModel.SUMS.size())));
      }
    }
    return totals;
  }

  private CalibrationReport write(long calls) throws IOException {
    List<SumsFile> files = new ArrayList<>();
    try {
      CalibrationWriter writer = new CalibrationWriter(options.range(), leftOut);
      for (int pass = 0; pass < passes; pass++) {
        SumsFile file = SumsFile.open(sums(pass));
        files.add(file);
        List<Request> requests = requests(pass);
        List<SumsFile.Item> items = file.items();
        int each = ObservableModel.SUMS.size();
        for (int i = 0; i < requests.size(); i++) {
          writer.add(
              Calibration.layerOf(requests.get(i).input().weight()),
              requests.get(i),
              file,
              items.subList(i * each, (i + 1) * each));
        }
      }
      Map<String, String> metadata = new TreeMap<>();
      metadata.put(CalibrationWriter.VERSION_KEY, "1");
      metadata.put(CalibrationWriter.VERSION_KEY + ".model", modelHash);
      JsonObject samples = new JsonObject();
      hashes.forEach(samples::addProperty);
      metadata.put(CalibrationWriter.VERSION_KEY + ".samples", samples.toString());
      metadata.put(CalibrationWriter.VERSION_KEY + ".count", Long.toString(calls));
      metadata.put(CalibrationWriter.VERSION_KEY + ".observer", options.range().wire());
      List<CalibrationReport.LayerRange> ranges = writer.write(target, part(), metadata);
      return new CalibrationReport(
          target,
          settings.samples().size(),
          calls,
          passes,
          options.range().wire(),
          ranges,
          leftOut,
          notes.stream().sorted().toList());
    } finally {
      for (SumsFile file : files) {
        file.close();
      }
    }
  }

  private static String label(SampleInputs sample) {
    return sample instanceof SampleInputs.OfFile of
        ? of.file().getFileName().toString()
        : sample.describe();
  }

  private static String hash(SampleInputs sample) throws IOException {
    if (sample instanceof SampleInputs.OfFile of) {
      if (!Files.isRegularFile(of.file())) {
        throw new ConfigurationException(
            QuantException.quote(of.file().toString())
                + ": there is no such file with samples. Example: --sample inputs.npz");
      }
      return Sha256.of(of.file());
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ((SampleInputs.OfArrays) sample).arrays().encode(out);
    return Sha256.of(out.toByteArray());
  }
}
