package dev.monoquant.bench;

import static java.util.Objects.requireNonNull;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.monoquant.bench.Contestant.Run;
import dev.monoquant.model.ElementType;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Times the command line application quantizing a synthetic checkpoint, from start to exit, and
 * {@code cp} of the same file.
 *
 * <p>Contestants take turns, and each round starts with another one, so that a slow period of the
 * machine or an effect of one run on the next affects all of them. Before each run the last output
 * is deleted, dirty pages are written back and the input is read into the page cache. Two pairs can
 * be compared: {@code cp} with {@code quant-no-sync} (both leave the output to the page cache), and
 * {@code cp+sync} with {@code quant} (both return when it is on the disk). Memory is sampled for
 * the process and its descendants; it is the maximum over the rounds, while all other figures are
 * medians.
 */
@Command(
    name = "end-to-end",
    mixinStandardHelpOptions = true,
    description = "Times the quant command on a synthetic checkpoint, beside cp.")
public final class EndToEnd implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--dir",
      description =
          "Where the files go; made if missing. By default a new directory in /dev/shm, a memory"
              + " file system, so that the disk does not blur the figures; else in the directory for"
              + " temporary files.")
  private @Nullable Path dir;

  @Option(names = "--dtype", defaultValue = "BF16", description = "BF16 or F32 (${DEFAULT-VALUE}).")
  private String dtype = "";

  @Option(names = "--layers", defaultValue = "24", description = "Layers (${DEFAULT-VALUE}).")
  private int layers;

  @Option(names = "--hidden", defaultValue = "2048", description = "Width (${DEFAULT-VALUE}).")
  private int hidden;

  @Option(names = "--inter", defaultValue = "4608", description = "MLP width (${DEFAULT-VALUE}).")
  private int inter;

  @Option(names = "--kv", defaultValue = "256", description = "Key width (${DEFAULT-VALUE}).")
  private int kv;

  @Option(names = "--vocab", defaultValue = "32000", description = "Entries (${DEFAULT-VALUE}).")
  private int vocab;

  @Option(names = "--seed", defaultValue = "1", description = "Seed (${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--rounds", defaultValue = "5", description = "Rounds (${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--quant",
      defaultValue = "quant-cli/target/quant/bin/quant",
      description = "The launcher (${DEFAULT-VALUE}).")
  private Path quant = Path.of("");

  @Option(
      names = "--option",
      description = "An option for quant, such as --option=--scheme=int4; repeat for more.")
  private List<String> options = new ArrayList<>();

  @Option(
      names = "--also",
      description = "Another contestant: NAME=COMMAND with {in} and {out}, split at blanks.")
  private Map<String, String> also = new LinkedHashMap<>();

  @Option(names = "--no-quant", description = "Run cp and the --also contestants only.")
  private boolean noQuant;

  @Option(names = "--json", description = "Writes all figures of all runs to this file.")
  private @Nullable Path json;

  @Option(names = "--keep", description = "Keeps the checkpoint and the last output.")
  private boolean keep;

  private EndToEnd() {}

  /**
   * Runs the benchmark and exits with 0, or with 1 and the output of the command that failed.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  static int run(String... args) {
    return new CommandLine(new EndToEnd())
        .setExecutionExceptionHandler(
            (error, command, parsed) -> {
              // Of a contestant that failed, and not of a fault here.
              if (!(error instanceof IOException)) {
                throw error;
              }
              command.getErr().println(error.getMessage());
              return command.getCommandSpec().exitCodeOnExecutionException();
            })
        .execute(args);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (spec == null) {
      throw new IllegalStateException("run by picocli only");
    }
    PrintWriter out = spec.commandLine().getOut();
    List<Contestant> contestants = contestants();
    boolean existed = dir != null && Files.exists(dir);
    Path place = dir == null ? FileTrees.fastDirectory() : Files.createDirectories(dir);
    dir = place;
    Path in = place.resolve("model.safetensors");
    if (Files.exists(in)) {
      throw new IOException(in + " exists already. Name another --dir, or delete it");
    }
    try {
      Architecture shape = new Architecture(hidden, inter, kv, vocab, layers);
      long bytes = new SyntheticCheckpoint(ElementType.of(dtype), seed).write(shape, in);
      out.printf(Locale.ROOT, "checkpoint: %s, %.3f GB%n", dtype, bytes / 1e9);
      if (!ProcessTree.available()) {
        out.println("no /proc here: processor time and memory are not available");
      }
      List<Summary> summaries = race(contestants, in, out);
      double cp = summaries.get(0).median(Run::wallSeconds);
      double cpCpu = summaries.get(0).median(Run::cpuSeconds);
      out.println(Summary.head());
      summaries.forEach(s -> out.println(s.row(bytes, cp, cpCpu)));
      if (json != null) {
        Files.writeString(json, json(bytes, cp, cpCpu, summaries));
      }
    } finally {
      if (!keep) {
        FileTrees.delete(in);
        for (Contestant contestant : contestants) {
          FileTrees.delete(output(contestant));
          FileTrees.delete(log(contestant));
        }
        if (!existed) {
          Files.delete(place);
        }
      }
    }
    return 0;
  }

  private List<Contestant> contestants() throws IOException {
    List<Contestant> all = new ArrayList<>();
    all.add(new Contestant("cp", List.of("cp", "{in}", "{out}")));
    all.add(
        new Contestant(
            "cp+sync",
            List.of("sh", "-c", "cp \"$1\" \"$2\" && sync \"$2\"", "sh", "{in}", "{out}")));
    if (!noQuant) {
      if (!Files.isExecutable(quant)) {
        throw new IOException(
            quant
                + " is no program. Build it with mvn -pl quant-cli -am package, name it with --quant,"
                + " or leave it out with --no-quant");
      }
      List<String> command = new ArrayList<>();
      command.add(quant.toAbsolutePath().toString());
      command.addAll(List.of("quantize", "{in}", "-o", "{out}", "--force"));
      command.addAll(options);
      all.add(new Contestant("quant", command));
      command.add("--no-sync");
      all.add(new Contestant("quant-no-sync", command));
    }
    also.forEach((name, command) -> all.add(new Contestant(name, List.of(command.split(" ", -1)))));
    return all;
  }

  private List<Summary> race(List<Contestant> contestants, Path in, PrintWriter out)
      throws IOException, InterruptedException {
    Map<Contestant, List<Run>> runs = new LinkedHashMap<>();
    contestants.forEach(c -> runs.put(c, new ArrayList<>()));
    List<Map.Entry<Contestant, List<Run>>> order = new ArrayList<>(runs.entrySet());
    for (int round = 1; round <= rounds; round++) {
      for (Map.Entry<Contestant, List<Run>> entry : order) {
        Contestant contestant = entry.getKey();
        for (Contestant each : contestants) {
          FileTrees.delete(output(each));
        }
        new ProcessBuilder("sync").inheritIO().start().waitFor();
        FileTrees.warm(in);
        Run run = contestant.run(in, output(contestant), log(contestant));
        entry.getValue().add(run);
        out.printf(
            Locale.ROOT, "round %d: %s %.2f s%n", round, contestant.name(), run.wallSeconds());
        out.flush();
      }
      Collections.rotate(order, 1);
    }
    return runs.entrySet().stream()
        .map(
            e ->
                new Summary(
                    e.getKey().name(), String.join(" ", e.getKey().command()), e.getValue()))
        .toList();
  }

  private Path output(Contestant contestant) {
    return requireNonNull(dir, "dir").resolve("out-" + contestant.name());
  }

  private Path log(Contestant contestant) {
    return requireNonNull(dir, "dir").resolve("log-" + contestant.name() + ".txt");
  }

  private String json(long bytes, double cp, double cpCpu, List<Summary> summaries) {
    JsonObject root = new JsonObject();
    root.addProperty("time", Instant.now().toString());
    root.addProperty("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    root.addProperty("arch", System.getProperty("os.arch"));
    root.addProperty("java", System.getProperty("java.runtime.version"));
    root.addProperty("cpus", Runtime.getRuntime().availableProcessors());
    root.addProperty("dtype", dtype);
    root.addProperty("layers", layers);
    root.addProperty("seed", seed);
    root.addProperty("inBytes", bytes);
    JsonArray all = new JsonArray();
    for (Summary summary : summaries) {
      JsonObject one = new JsonObject();
      double wall = summary.median(Run::wallSeconds);
      one.addProperty("name", summary.name());
      one.addProperty("command", summary.command());
      one.addProperty("medianWallSeconds", wall);
      one.addProperty("timesCp", wall / cp);
      double cpu = summary.median(Run::cpuSeconds);
      if (!Double.isNaN(cpu)) {
        one.addProperty("medianCpuSeconds", cpu);
        if (cpCpu > 0) {
          one.addProperty("cpuTimesCp", cpu / cpCpu);
        }
      }
      one.addProperty("inBytesPerSecond", bytes / wall);
      JsonArray runs = new JsonArray();
      for (Run run : summary.runs()) {
        JsonObject figures = new JsonObject();
        figures.addProperty("wallSeconds", run.wallSeconds());
        if (run.peakRssBytes() >= 0) {
          figures.addProperty("cpuSeconds", run.cpuSeconds());
          figures.addProperty("peakAnonBytes", run.peakAnonBytes());
          figures.addProperty("peakRssBytes", run.peakRssBytes());
        }
        figures.addProperty("outBytes", run.outBytes());
        runs.add(figures);
      }
      one.add("runs", runs);
      all.add(one);
    }
    root.add("contestants", all);
    return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(root);
  }
}
