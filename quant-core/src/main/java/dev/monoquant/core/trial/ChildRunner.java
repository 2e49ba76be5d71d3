package dev.monoquant.core.trial;

import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.TimedCopy;
import dev.monoquant.spi.TimedModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs models in a child JVM, within bounds; see {@link ModelRuns}. Both processes share a
 * temporary folder; the job and the result are files in it. {@link #close} always ends the child
 * and removes the folder; if this process is killed, the child does both.
 */
final class ChildRunner implements ModelRunner {

  private static final Logger LOG = LoggerFactory.getLogger(ChildRunner.class);

  private static final long POLL_MILLIS = 20;

  /** The engine unpacks about 430 MB at its first start. */
  private static final Duration START = Duration.ofMinutes(10);

  private static final long BASE_MEMORY = 4L << 30;
  private static final int MEMORY_TIMES_FILES = 4;
  private static final long MOST_RESULT = 4 << 20;

  /** Ctrl-C reaches both processes, in any order. */
  private static final long SIGNAL_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final long CLEANUP_SECONDS = 3;
  private static final int SIGNALLED = 128;
  private static final Map<Integer, String> SIGNALS =
      Map.of(
          2, "SIGINT", 4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS", 8, "SIGFPE", 9, "SIGKILL", 11,
          "SIGSEGV", 15, "SIGTERM");

  private final Settings settings;
  private final Path folder;
  private final Process process;
  private final Tail tail;

  private ChildRunner(Settings settings, Path folder, Process process) {
    this.settings = settings;
    this.folder = folder;
    this.process = process;
    this.tail = new Tail(process.getInputStream());
  }

  static ChildRunner start(Settings settings) {
    Path folder = folder();
    ChildRunner runner = null;
    try {
      ProcessBuilder command = new ProcessBuilder(ChildCommand.of(settings, folder));
      runner = new ChildRunner(settings, folder, command.redirectErrorStream(true).start());
      runner.await(ChildFolder.READY, START, OptionalLong.empty(), "");
      Path result = folder.resolve(ChildFolder.RESULT);
      if (Files.exists(result)) {
        RunOutcome.parse(runner.read(result), "");
      }
      return runner;
    } catch (IOException e) {
      clean(runner, folder);
      throw new OutputException(
          "the process that models are run in could not be started: "
              + e.getMessage()
              + ". It needs the java of "
              + System.getProperty("java.home")
              + ", and space in the folder for temporary files",
          e);
    } catch (RuntimeException | Error e) {
      clean(runner, folder);
      throw e;
    }
  }

  private static Path folder() {
    try {
      return Files.createTempDirectory("monoquant-run-");
    } catch (IOException e) {
      throw new OutputException(
          "no folder for temporary files could be made: "
              + e
              + ". Make room, or set another one: QUANT_OPTS=-Djava.io.tmpdir=FOLDER",
          e);
    }
  }

  private static void clean(@Nullable ChildRunner runner, Path folder) {
    if (runner != null) {
      runner.close();
    } else {
      delete(folder);
    }
  }

  @Override
  public RunComparison run(
      List<Candidate> candidates, List<Method> methods, List<Layer> layers, Purpose purpose) {
    String result =
        result(new RunJob(candidates, methods, SyntheticInputs.candidates(layers), purpose));
    return RunOutcome.parse(result, purpose.remedy());
  }

  @Override
  public Optional<LayerTimes> time(TimedModel model, List<Method> methods, List<Layer> layers)
      throws IOException {
    Path file = folder.resolve(ChildFolder.TIMED);
    Optional<TimedCopy> copy = model.timed(file);
    if (copy.isEmpty()) {
      return Optional.empty();
    }
    String result = result(RunJob.ofTimed(file, methods, layers));
    return Optional.of(LayerTimes.of(copy.get(), RunOutcome.parseTimes(result)));
  }

  @Override
  public ObserveJob.Outcome observe(ObserveJob job) {
    List<Path> files = List.of(job.original(), job.observing());
    return RunOutcome.parseObserved(result(() -> job.toJson(settings, folder), files, ""));
  }

  @Override
  public Costs costs(Candidate original, List<Method> methods, List<Layer> layers) {
    List<SyntheticInputs> guesses = SyntheticInputs.candidates(layers);
    return new Costs() {
      @Override
      public Distance of(Candidate result) {
        RunJob job = new RunJob(List.of(original, result), methods, guesses, Purpose.COST);
        return RunOutcome.parseDistance(ChildRunner.this.result(job));
      }

      @Override
      public void close() {
        // The child frees them with its next job of another kind, or ends.
      }
    };
  }

  /** The text of a job. */
  private interface Job {
    String toJson() throws IOException;
  }

  private String result(RunJob job) {
    return result(
        () -> job.toJson(settings, folder),
        job.candidates().stream().map(Candidate::file).toList(),
        job.purpose().remedy());
  }

  /** Gives the child a job, and waits for the result. */
  private String result(Job job, List<Path> files, String remedy) {
    Path result = folder.resolve(ChildFolder.RESULT);
    try {
      Files.deleteIfExists(result);
      Files.writeString(folder.resolve(ChildFolder.JOB), job.toJson());
      process.getOutputStream().write('\n');
      process.getOutputStream().flush();
      OptionalLong memory = OptionalLong.of(memory(files));
      await(ChildFolder.RESULT, settings.modelRuns().timeout(), memory, remedy);
      return read(result);
    } catch (IOException e) {
      if (!process.isAlive()) {
        throw died(remedy);
      }
      throw new OutputException(
          "the process that models are run in got no job: " + e + ". Make room in " + folder, e);
    } finally {
      ChildProgress.forget(folder);
    }
  }

  private long memory(List<Path> files) throws IOException {
    OptionalLong given = settings.modelRuns().maxMemoryBytes();
    if (given.isPresent()) {
      return given.getAsLong();
    }
    long bytes = 0;
    for (Path file : files) {
      bytes += Files.size(file);
    }
    for (SampleInputs sample : SampleFiles.of(settings.samples())) {
      // The child reports what is missing.
      bytes +=
          sample instanceof SampleInputs.OfFile of && Files.exists(of.file())
              ? Files.size(of.file())
              : 0;
    }
    return BASE_MEMORY + MEMORY_TIMES_FILES * bytes;
  }

  /** Waits for a file of the child, or its result. */
  private void await(String file, Duration limit, OptionalLong memory, String remedy)
      throws IOException {
    long started = System.nanoTime();
    boolean isLimited = memory.isPresent() && resident().isPresent();
    if (memory.isPresent() && !isLimited && process.isAlive()) {
      LOG.warn("the memory of the models that are run is not limited on this system");
    }
    while (true) {
      boolean alive = process.isAlive();
      if (Files.exists(folder.resolve(file)) || Files.exists(folder.resolve(ChildFolder.RESULT))) {
        return;
      }
      if (!alive) {
        throw died(remedy);
      }
      ChildProgress.read(settings, folder);
      settings.cancellation().check();
      if (System.nanoTime() - started > limit.toNanos()) {
        throw new ValidationException(
            (file.equals(ChildFolder.READY) ? "the engine that runs models" : "the models that run")
                + " did not end within "
                + limit.toSeconds()
                + " seconds and were stopped; nothing was written. If they take longer by right,"
                + " give more: --run-timeout (withModelRuns)"
                + remedy);
      }
      if (isLimited) {
        requireWithin(memory.getAsLong(), remedy);
      }
      pause();
    }
  }

  private void pause() {
    try {
      process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      settings.cancellation().check();
    }
  }

  private void requireWithin(long limit, String remedy) throws IOException {
    OptionalLong used = resident();
    if (used.isPresent() && used.getAsLong() > limit) {
      throw new ValidationException(
          "the models that run took "
              + Text.bytes(used.getAsLong())
              + " of memory and were stopped; "
              + Text.bytes(limit)
              + " are allowed, and nothing was written. If they need more by right, give it:"
              + " --run-memory (withModelRuns)"
              + remedy);
    }
  }

  /** The resident memory of the child; empty if unknown. */
  private OptionalLong resident() throws IOException {
    Path status = Path.of("/proc", Long.toString(process.pid()), "status");
    if (!Files.exists(status)) {
      return OptionalLong.empty();
    }
    try {
      for (String line : Files.readAllLines(status, StandardCharsets.ISO_8859_1)) {
        if (line.startsWith("VmRSS:")) {
          String number = line.substring(line.indexOf(':') + 1).strip().split(" ", -1)[0];
          return OptionalLong.of(Long.parseLong(number) << 10);
        }
      }
    } catch (IOException e) {
      if (process.isAlive()) {
        throw e;
      }
    }
    return OptionalLong.empty();
  }

  /** Why the child ended without a result. */
  private QuantException died(String remedy) {
    int code = process.exitValue();
    int signal = code - SIGNALLED;
    long started = System.nanoTime();
    while ((signal == 2 || signal == 15) && System.nanoTime() - started < SIGNAL_NANOS) {
      settings.cancellation().check();
      pauseForSignal();
    }
    if (code == ChildMain.NO_RESULT) {
      return new OutputException(
          "the process that models are run in could not write its result to "
              + folder
              + ". Make room, or set another folder: QUANT_OPTS=-Djava.io.tmpdir=FOLDER");
    }
    String how = "with code " + code;
    if (signal > 0) {
      how = "by signal " + SIGNALS.getOrDefault(signal, Integer.toString(signal));
    }
    String crash = crash();
    if (!crash.isEmpty()) {
      how = "since native code crashed (" + crash + ")";
    }
    String said = crash.isEmpty() ? tail.text() : "";
    return new ValidationException(
        "the process that models are run in ended "
            + how
            + (signal == 9 ? ", as the system does when memory runs out" : "")
            + (said.isEmpty() ? "" : ": " + QuantException.quote(said))
            + "; nothing was written. The engine of this machine cannot run the model: try other"
            + " samples, or exclude layers"
            + remedy);
  }

  private void pauseForSignal() {
    try {
      Thread.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The signal and the place in native code, as the JVM reports them. */
  private String crash() {
    Path report = folder.resolve(ChildFolder.CRASH);
    if (!Files.exists(report)) {
      return "";
    }
    try (InputStream in = Files.newInputStream(report)) {
      String head = new String(in.readNBytes(1 << 12), StandardCharsets.ISO_8859_1);
      List<String> told =
          head.lines()
              .filter(line -> line.startsWith("#  SIG") || line.startsWith("# C  ["))
              .map(line -> line.startsWith("#  SIG") ? word(line, 3, ' ') : word(line, 6, '+'))
              .toList();
      return String.join(" in ", told);
    } catch (IOException e) {
      return "its report could not be read: " + e;
    }
  }

  private static String word(String line, int start, char end) {
    int at = line.indexOf(end, start);
    return line.substring(start, at < 0 ? line.length() : at);
  }

  private String read(Path result) throws IOException {
    long size = Files.size(result);
    if (size > MOST_RESULT) {
      throw new ValidationException(
          "the process that models are run in wrote a result of "
              + size
              + " bytes; at most "
              + MOST_RESULT
              + " are read");
    }
    return Files.readString(result);
  }

  @Override
  public void close() {
    boolean interrupted = Thread.interrupted();
    try {
      if (!Files.exists(folder.resolve(ChildFolder.READY))) {
        // The child removes the files that the engine has partly unpacked.
        closeInput();
        process.waitFor(CLEANUP_SECONDS, TimeUnit.SECONDS);
      }
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      process.waitFor(CLEANUP_SECONDS, TimeUnit.SECONDS);
      closeInput();
      tail.join();
    } catch (InterruptedException e) {
      interrupted = true;
      process.destroyForcibly();
    }
    delete(folder);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeInput() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      LOG.debug("the child had ended", e);
    }
  }

  private static void delete(Path folder) {
    try {
      ChildFolder.delete(folder);
    } catch (IOException e) {
      LOG.warn("temporary files in {} could not be removed: {}", folder, e.toString());
    }
  }

  /** The end of the child's output, in bounded memory. */
  private static final class Tail {

    private static final int LENGTH = 300;

    private final Thread thread;
    private final StringBuilder last = new StringBuilder();

    Tail(InputStream in) {
      thread = new Thread(() -> read(in), "quant-child");
      thread.setDaemon(true);
      thread.start();
    }

    private void read(InputStream in) {
      byte[] some = new byte[1 << 13];
      try (in) {
        for (int n = in.read(some); n >= 0; n = in.read(some)) {
          synchronized (last) {
            last.append(new String(some, 0, n, StandardCharsets.UTF_8));
            last.delete(0, Math.max(0, last.length() - LENGTH));
          }
        }
      } catch (IOException e) {
        // The child was ended.
      }
    }

    void join() throws InterruptedException {
      thread.join(1000);
    }

    String text() {
      synchronized (last) {
        return last.toString().strip().replace('\n', ' ');
      }
    }
  }
}
