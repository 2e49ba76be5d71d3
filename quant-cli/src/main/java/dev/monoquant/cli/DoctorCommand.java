package dev.monoquant.cli;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.Problem;
import dev.monoquant.core.Plugins;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code quant doctor}: tells what is at hand, and starts the engine to prove it. */
@Command(
    name = "doctor",
    description = "Checks Java, the engine and the plugins, and says what to do.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer>, Failure.Verbose {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public boolean verbose() {
    return run.verbose();
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run) {
      Runtime runtime = Runtime.getRuntime();
      line(out, "java", Runtime.version() + " (" + System.getProperty("java.vm.name") + ")");
      line(out, "system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
      line(out, "processors", String.valueOf(runtime.availableProcessors()));
      line(out, "heap", String.format(Locale.ROOT, "%d MB at most", runtime.maxMemory() >> 20));
      Plugins plugins = run.plugins();
      List<Problem> problems = plugins.problems();
      line(out, "plugins", plugins.entries().size() + ", with " + problems.size() + " problems");
      problems.forEach(p -> line(out, "  problem", p.toString()));
      boolean engine = engine(out);
      line(out, "verdict", engine && problems.isEmpty() ? "all is well" : "see above");
      out.flush();
      return engine && problems.isEmpty() ? 0 : 1;
    }
  }

  /** The file-to-file commands need no engine; torch compute and live models do. */
  private static boolean engine(PrintWriter out) {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray a = manager.ones(new Shape(2, 3));
      boolean right = a.matMul(a.transpose()).sum().getFloat() == 12f;
      Engine engine = Engine.getInstance();
      line(out, "engine", engine.getEngineName() + " " + engine.getVersion());
      line(out, "product", right ? "as it should be" : "WRONG: reinstall this distribution");
      return right;
    } catch (RuntimeException | LinkageError e) {
      line(out, "engine", "does not start: " + e);
      line(
          out,
          "  advice",
          "quantizing files works without it; for live models use the distribution of this platform,"
              + " and see that the cache folder (ENGINE_CACHE_DIR) can be written");
      return false;
    }
  }

  private static void line(PrintWriter out, String what, String value) {
    out.printf("%-12s %s%n", what, value);
  }
}
