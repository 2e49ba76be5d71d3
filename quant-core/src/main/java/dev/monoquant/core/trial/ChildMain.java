package dev.monoquant.core.trial;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.core.control.EngineStart;
import dev.monoquant.core.settings.Settings;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The main class of the child process in which models run. It starts the engine; for each byte on
 * standard input it runs the job in its folder, and writes the outcome there. The process ends when
 * standard input ends, so it never outlives its parent.
 */
final class ChildMain {

  /** Time to remove the files that the engine has partly unpacked. */
  private static final long CLEANUP_SECONDS = 2;

  /** The exit code if the result cannot be written. */
  static final int NO_RESULT = 74;

  private final Path folder;
  private final Thread main = Thread.currentThread();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CostRun.Lasting costs = new CostRun.Lasting();
  private final Semaphore asked = new Semaphore(0);

  private ChildMain(Path folder) {
    this.folder = folder;
  }

  /**
   * Runs jobs.
   *
   * @param args the folder
   */
  public static void main(String[] args) {
    ChildMain child = new ChildMain(Path.of(args[0]));
    Thread watch = new Thread(child::watch, "quant-parent");
    watch.setDaemon(true);
    watch.start();
    child.work();
    // A normal exit runs destructors of the engine while threads still use it: the parent kills the
    // process.
    while (true) {
      LockSupport.park();
    }
  }

  private void watch() {
    try (InputStream in = new FileInputStream(FileDescriptor.in)) {
      while (in.read() >= 0) {
        asked.release();
      }
      if (started.getCount() > 0) {
        main.interrupt();
        started.await(CLEANUP_SECONDS, TimeUnit.SECONDS);
      }
      ChildFolder.delete(folder);
      // A Java process cannot kill itself, see above.
      String self = Long.toString(ProcessHandle.current().pid());
      new ProcessBuilder("kill", "-KILL", self).start().waitFor();
    } catch (IOException | InterruptedException e) {
      // The failure cannot be reported, and the process ends in any case.
    }
    Runtime.getRuntime().halt(1);
  }

  private void work() {
    Optional<String> failure = start();
    if (failure.isPresent()) {
      write(failure.get());
      return;
    }
    try {
      while (true) {
        asked.acquire();
        write(run());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** {@return why the engine does not start} */
  private Optional<String> start() {
    try {
      try {
        EngineStart.require();
      } finally {
        started.countDown();
      }
      Files.createFile(folder.resolve(ChildFolder.READY));
      return Optional.empty();
    } catch (Exception | LinkageError | OutOfMemoryError | StackOverflowError e) {
      return Optional.of(RunOutcome.toJson(e));
    }
  }

  private String run() {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      JsonObject json =
          JsonParser.parseString(Files.readString(folder.resolve(ChildFolder.JOB)))
              .getAsJsonObject();
      if (RunJob.isCost(json)) {
        return RunOutcome.toJson(costs.run(json, new ChildProgress(folder)));
      }
      costs.end();
      if (ObserveJob.is(json)) {
        Settings settings = RunJob.inputs(json, manager).withProgress(new ChildProgress(folder));
        return RunOutcome.toJson(ObserveRun.run(settings, ObserveJob.parse(json)));
      }
      RunJob.WithSettings all = RunJob.parse(json, manager);
      Settings settings = all.settings().withProgress(new ChildProgress(folder));
      return all.job().purpose() == RunJob.Purpose.LAYERS
          ? RunOutcome.toJson(LayerTiming.run(settings, all.job()))
          : RunOutcome.toJson(SideBySideRun.run(settings, all.job()));
    } catch (Exception | LinkageError | OutOfMemoryError | StackOverflowError e) {
      return RunOutcome.toJson(e);
    }
  }

  private void write(String result) {
    if (Thread.currentThread().isInterrupted()) {
      return;
    }
    try {
      ChildFolder.put(folder.resolve(ChildFolder.RESULT), result);
    } catch (IOException e) {
      Runtime.getRuntime().halt(NO_RESULT);
    }
  }
}
