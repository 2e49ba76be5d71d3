package dev.monoquant.core;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.OutputException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.LibraryVersion;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.plan.PlanProvenance;
import dev.monoquant.core.plan.Planner;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.run.Execution;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.core.split.WorkDivision;
import dev.monoquant.files.input.MappedFile;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.model.Family;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputLayout.Place;
import dev.monoquant.spi.OutputShare;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * An output that is planned once, written in units, and joined, with the bytes of a single run. The
 * plan is made from headers; a unit and the join make it anew and compare.
 */
final class SplitRun implements AutoCloseable {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private final Settings settings;
  private final QuantizationConfig config;
  private final Path target;
  private final Opened opened;
  private final OutputChoice.Open open;
  private final Opened seen;
  private final Plan plan;
  private final OutputContents contents;
  private final OutputLayout layout;

  private SplitRun(Settings settings, ModelInput input, Path target, QuantizationConfig config)
      throws IOException {
    this.settings = settings;
    this.config = config;
    this.target = target;
    requireHeadersSuffice(config);
    OutputFormat named = OutputChoice.required(settings.plugins(), config, target);
    this.opened = Stages.open(settings, input, config);
    try {
      if (opened.source().info().files().isEmpty()) {
        throw new ConfigurationException(
            input.describe() + ": only files can be read on several machines. Save it first");
      }
      OutputFormat format =
          OutputChoice.forSource(
              settings.plugins(), config, named, opened.source(), Optional.of(target));
      OutputChoice.requireRun(settings, List.of(format));
      this.open = OutputChoice.open(format, opened.source());
    } catch (IOException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
    try {
      this.seen = opened.as(settings, open.view());
      this.plan = new Planner(settings, config, Optional.of(open), seen.own(), Map.of()).plan(seen);
      plan.requireNoErrors();
      this.contents = plan.contents(PlanProvenance.of(settings, config, plan, seen.reading()));
      this.layout = open.session().layout(contents);
    } catch (IOException | RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private static void requireHeadersSuffice(QuantizationConfig config) {
    if (Execution.policy(config) == NonFinitePolicy.KEEP) {
      throw new ConfigurationException(
          "--non-finite keep: which weights stay in float depends on their numbers, and a plan of"
              + " units is made from headers. Use fail or clamp");
    }
  }

  static SplitPlan plan(
      Settings settings, ModelInput input, Output output, int units, boolean overwrite) {
    if (!(input instanceof ModelInput.OfPath path)) {
      throw new ConfigurationException(
          input.describe() + ": only files can be read on several machines. Save it first");
    }
    try (SplitRun run = new SplitRun(settings, input, output.target(), output.config())) {
      SplitPlan plan = run.divided(path, units, overwrite);
      OutputShare share = new OutputShare.Begin(SplitPlanJson.id(plan), units);
      try (OutputWriter writer = run.open(share, overwrite)) {
        writer.commit();
      }
      return plan;
    } catch (IOException e) {
      throw InputOpener.unreadable(input, e);
    }
  }

  /** Makes the folder of a plan where it is not yet. */
  static void begin(Settings settings, SplitPlan plan) {
    guarded(
        settings,
        plan,
        () -> {
          OutputShare share = new OutputShare.Begin(SplitPlanJson.id(plan), plan.units().size());
          try (SplitRun run = again(settings, plan);
              OutputWriter writer = run.open(share, plan.output().overwrite())) {
            writer.commit();
          }
          return share;
        });
  }

  private OutputWriter open(OutputShare share, boolean overwrite) throws IOException {
    return layout.open(
        new WriteOptions(target, overwrite, settings.sync(), false, Optional.of(share)));
  }

  private SplitPlan divided(ModelInput.OfPath input, int units, boolean overwrite)
      throws IOException {
    List<WorkDivision.Item> items = items();
    return new SplitPlan(
        new SplitPlan.Input(
            input.path().toString(),
            input.choices(),
            settings.inputFormat(),
            new TreeMap<>(settings.inputOptions()),
            settings.requantize(),
            stamps()),
        new SplitPlan.Target(
            target.toString(), overwrite, settings.hashing(), GSON.toJson(Recipe.toTree(config))),
        identity(items),
        sizes(items),
        units(items, units));
  }

  /** The tensor files of the output with their sizes. */
  private static SortedMap<String, Long> sizes(List<WorkDivision.Item> items) {
    SortedMap<String, Long> files = new TreeMap<>();
    for (WorkDivision.Item item : items) {
      for (Place place : item.places()) {
        files.merge(place.file(), place.offset() + place.length(), Math::max);
      }
    }
    return files;
  }

  private List<SplitPlan.Unit> units(List<WorkDivision.Item> items, int units) throws IOException {
    Map<String, Long> inputs = new LinkedHashMap<>();
    for (Map.Entry<String, Path> file : inputFiles().entrySet()) {
      inputs.put(file.getKey(), Files.size(file.getValue()));
    }
    return WorkDivision.of(items, together(), inputs, units);
  }

  /** The files of the input by the names of the manifest. */
  private Map<String, Path> inputFiles() {
    List<Path> files = opened.source().info().files();
    List<String> names = Manifest.inputNames(contents, files);
    Map<String, Path> all = new LinkedHashMap<>();
    for (int i = 0; i < files.size(); i++) {
      all.put(names.get(i), files.get(i));
    }
    return all;
  }

  /**
   * What tells each file of the input from another without reading it: size and time, and the
   * identity of a remote file. The key of a file of this machine is another one on the next.
   */
  private SortedMap<String, String> stamps() throws IOException {
    SortedMap<String, String> stamps = new TreeMap<>();
    for (Map.Entry<String, Path> file : inputFiles().entrySet()) {
      BasicFileAttributes now = Files.readAttributes(file.getValue(), BasicFileAttributes.class);
      stamps.put(
          file.getKey(),
          now.size()
              + " bytes, "
              + now.lastModifiedTime().toInstant().truncatedTo(ChronoUnit.SECONDS)
              + (!MappedFile.isLocal(file.getValue()) && now.fileKey() != null
                  ? ", " + now.fileKey()
                  : ""));
    }
    return stamps;
  }

  private List<WorkDivision.Item> items() {
    List<WorkDivision.Item> items = new ArrayList<>();
    for (PlannedWeight weight : plan.weights()) {
      items.add(item(weight.weight().name(), weight.bytesBefore()));
    }
    for (UnquantizedTensor kept : plan.kept()) {
      items.add(item(kept.tensor().name(), kept.tensor().bytes()));
    }
    return items;
  }

  private WorkDivision.Item item(String name, long read) {
    List<Place> places = layout.places(name);
    if (places.isEmpty()) {
      throw new ConfigurationException(
          target
              + ": outputs of format "
              + open.format().id()
              + " are written by one run, as their tensors have no places that are known before."
              + " Write a .safetensors file, a directory of compressed-tensors or a GGUF file, or"
              + " use quant quantize");
    }
    return new WorkDivision.Item(name, read, places);
  }

  /** The weights whose schemes ask for a common range. */
  private List<List<String>> together() {
    Map<String, List<String>> byLayer = new HashMap<>();
    for (PlannedWeight planned : plan.weights()) {
      var weight = planned.weight();
      Set<Need> needs = settings.plugins().scheme(weight.scheme()).needs(weight.options());
      if (needs.contains(Need.FAMILY_RANGE)) {
        byLayer.computeIfAbsent(weight.matrix().layer(), k -> new ArrayList<>()).add(weight.name());
      }
    }
    List<List<String>> together = new ArrayList<>();
    for (Family family : seen.source().info().families()) {
      List<String> members =
          family.quantizedOnly()
              ? List.of()
              : family.layers().stream()
                  .flatMap(layer -> byLayer.getOrDefault(layer, List.of()).stream())
                  .toList();
      if (members.size() > 1) {
        together.add(members);
      }
    }
    return together;
  }

  private SortedMap<String, String> identity(List<WorkDivision.Item> items) {
    if (contents.provenance().flatMap(p -> p.calibration()).isPresent()) {
      throw new ConfigurationException(
          target
              + ": a calibration is used, which a plan of units does not hold. Use"
              + " quant quantize, or a scheme without them");
    }
    SortedMap<String, String> identity = new TreeMap<>(ProvenanceText.of(contents));
    identity.put("version", LibraryVersion.text());
    identity.put("input format", plan.inputFormat());
    identity.put("output format", plan.outputFormat());
    Sha256 places = new Sha256();
    for (WorkDivision.Item item : items) {
      places.add(StandardCharsets.UTF_8.encode(item.name() + "\n"));
      for (Place place : item.places()) {
        places.add(StandardCharsets.UTF_8.encode(place.file() + "\n"));
        places.add(ByteBuffer.allocate(16).putLong(place.offset()).putLong(place.length()).flip());
      }
    }
    identity.put("places", places.hex());
    return identity;
  }

  /** Compares what else a plan says of its units, which may have been edited. */
  private void requireSameUnits(SplitPlan plan, List<WorkDivision.Item> items) throws IOException {
    requireSame(plan, "size of ", texts(plan.files()), texts(sizes(items)));
    List<SplitPlan.Unit> units = units(items, plan.units().size());
    for (int number = 0; number < units.size(); number++) {
      SplitPlan.Unit given = plan.unit(number);
      SplitPlan.Unit own = units.get(number);
      if (!given.equals(own)) {
        String unit = "unit " + number + ": ";
        int most = Math.max(given.tensors().size(), own.tensors().size());
        for (int place = 0; place < most; place++) {
          requireSame(plan, unit + "tensor " + place, name(given, place), name(own, place));
        }
        requireSame(plan, unit + "bytes read", "" + given.read(), "" + own.read());
        requireSame(plan, unit + "bytes written", "" + given.written(), "" + own.written());
        requireSame(plan, unit + "ranges of ", texts(given.ranges()), texts(own.ranges()));
        requireSame(plan, unit + "pieces of ", texts(given.hashes()), texts(own.hashes()));
      }
    }
  }

  private static String name(SplitPlan.Unit unit, int place) {
    return place < unit.tensors().size() ? unit.tensors().get(place) : "none";
  }

  private static Map<String, String> texts(SortedMap<String, ?> values) {
    Map<String, String> texts = new HashMap<>();
    values.forEach((name, value) -> texts.put(name, value.toString()));
    return texts;
  }

  /** Makes the plan of a unit or of the join anew, and compares. */
  private static SplitRun again(Settings settings, SplitPlan plan) throws IOException {
    requireSame(
        plan,
        "version",
        Optional.ofNullable(plan.identity().get("version")).orElse(""),
        LibraryVersion.text());
    Settings same =
        settings
            .withInputFormat(plan.input().format())
            .withInputOptions(plan.input().options())
            .withRequantize(plan.input().requantize())
            .withHashing(plan.output().hashing());
    ModelInput input =
        ModelInput.of(settings.inputPaths().apply(plan.input().path()), plan.input().choices());
    QuantizationConfig config = Recipe.parseJson(plan.output().recipe(), "the recipe of the plan");
    SplitRun run = new SplitRun(same, input, plan.target(), config);
    try {
      requireSame(plan, "input ", plan.input().files(), run.stamps());
      List<WorkDivision.Item> items = run.items();
      requireSame(plan, "", plan.identity(), run.identity(items));
      run.requireSameUnits(plan, items);
      return run;
    } catch (IOException | RuntimeException | Error e) {
      run.close();
      throw e;
    }
  }

  private static void requireSame(
      SplitPlan plan, String what, Map<String, String> then, Map<String, String> now) {
    Set<String> keys = new TreeSet<>(JsonText.BY_CODE_POINT);
    keys.addAll(then.keySet());
    keys.addAll(now.keySet());
    for (String key : keys) {
      requireSame(plan, what + key, then.getOrDefault(key, "none"), now.getOrDefault(key, "none"));
    }
  }

  private static void requireSame(SplitPlan plan, String what, String then, String now) {
    if (!then.equals(now)) {
      throw new OutputException(
          plan.target()
              + ": "
              + what
              + " was "
              + QuantException.quote(then)
              + " when it was planned, and is "
              + QuantException.quote(now)
              + ". Run with what was planned (copies of files keep their times with cp -p), or plan"
              + " again");
    }
  }

  /** Writes a unit; empty if it was complete before. */
  static Optional<Report> run(Settings settings, SplitPlan plan, int number) {
    SplitPlan.Unit unit = plan.unit(number);
    return guarded(
        settings,
        plan,
        () -> {
          try (SplitRun run = again(settings, plan)) {
            return run.unit(plan, unit, number);
          }
        });
  }

  private Optional<Report> unit(SplitPlan whole, SplitPlan.Unit unit, int number)
      throws IOException {
    Set<String> names = new HashSet<>(unit.tensors());
    Plan part =
        new Plan(
            plan.input(),
            plan.inputFormat(),
            plan.outputFormat(),
            plan.layers(),
            plan.weights().stream().filter(w -> names.contains(w.weight().name())).toList(),
            plan.kept().stream().filter(k -> names.contains(k.tensor().name())).toList(),
            plan.kvCache(),
            plan.problems(),
            Optional.empty());
    OutputShare share =
        new OutputShare.Unit(SplitPlanJson.id(whole), whole.units().size(), number, unit.hashes());
    // An existing output is the business of the join.
    try (OutputWriter sink = open(share, true)) {
      if (sink.finished(unit.tensors().get(0)).isPresent()) {
        return Optional.empty();
      }
      Report report = made(part, sink);
      settings.cancellation().place(sink::commit);
      return Optional.of(report);
    }
  }

  private Report made(Plan part, OutputWriter sink) throws IOException {
    Execution.Job job = new Execution.Job(seen.source(), part, Execution.policy(config), sink);
    Report report = Execution.run(settings, List.of(job)).get(0).report();
    // What units finished is not what an interrupted run finished.
    List<Problem> problems =
        report.problems().stream().filter(p -> !p.subject().equals("resumed")).toList();
    return report.with(problems, report.run());
  }

  /** Joins the units and puts the output in place. */
  static Report join(Settings settings, SplitPlan plan, Consumer<Report> gate) {
    return guarded(
        settings,
        plan,
        () -> {
          try (SplitRun run = again(settings, plan)) {
            return run.joined(plan, gate);
          }
        });
  }

  private Report joined(SplitPlan whole, Consumer<Report> gate) throws IOException {
    Plan sized = Stages.withOutput(plan, layout, seen.source().info(), target);
    OutputShare share = new OutputShare.Join(SplitPlanJson.id(whole), whole.units().size());
    try (OutputWriter sink = open(share, whole.output().overwrite())) {
      Report written = made(sized, sink);
      Report noted =
          written.with(Stages.withNotes(written.problems(), sink.notes()), written.run());
      Report report = noted.withGates(settings.gates().checkRun(noted));
      gate.accept(report);
      Gates.require(report.gates());
      Execution.finish(settings, sink, target);
      settings.cancellation().place(sink::commit);
      return report;
    }
  }

  private static <T> T guarded(Settings settings, SplitPlan plan, Cancellation.Work<T> work) {
    try {
      return settings.cancellation().run(work);
    } catch (IOException e) {
      throw OutputChoice.unwritable(plan.target(), e);
    }
  }

  @Override
  public void close() {
    try {
      open.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      opened.close();
    }
  }
}
