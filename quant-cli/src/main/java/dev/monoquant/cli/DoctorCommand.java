package dev.monoquant.cli;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.core.control.EngineStart;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.spi.Plugins;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant doctor}: checks the installation and starts the engine. */
@Command(
    name = "doctor",
    description = "Checks Java, the engine and the plugins, and shows remedies.",
    customSynopsis = "quant doctor [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant doctor"},
    sortOptions = false)
final class DoctorCommand implements Callable<Integer> {

  private static final String ADVICE =
      "quantizing files works without it; for live models use the distribution for this platform,"
          + " and check that the cache folder (ENGINE_CACHE_DIR) is writable";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--json", description = "Print JSON instead of a list.")
  private boolean json;

  @Mixin private final PluginOptions options = new PluginOptions();

  /**
   * The name and version of the engine, or why it does not start; {@code right} tells whether it
   * adds correctly.
   */
  private record EngineCheck(String engine, boolean right) {}

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (options) {
      Plugins plugins = options.load();
      List<Problem> problems = plugins.problems();
      EngineCheck engine = engine();
      boolean well = engine.right() && problems.isEmpty();
      JsonObject facts = facts(plugins, engine, well);
      if (json) {
        out.println(new GsonBuilder().setPrettyPrinting().create().toJson(facts));
      } else {
        print(out, facts);
      }
      out.flush();
      return well ? 0 : Failure.VALIDATION;
    }
  }

  private static JsonObject facts(Plugins plugins, EngineCheck engine, boolean well) {
    Runtime runtime = Runtime.getRuntime();
    JsonArray problems = new JsonArray();
    plugins.problems().forEach(p -> problems.add(p.toString()));
    JsonObject facts = new JsonObject();
    facts.addProperty("schema", 1);
    facts.addProperty("kind", "doctor");
    facts.addProperty("java", Runtime.version() + " (" + System.getProperty("java.vm.name") + ")");
    facts.addProperty(
        "system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    facts.addProperty("processors", runtime.availableProcessors());
    facts.addProperty("heap_bytes", runtime.maxMemory());
    facts.addProperty("kernels", kernels());
    facts.addProperty("plugins", plugins.entries().size());
    facts.add("problems", problems);
    facts.addProperty("engine", engine.engine());
    facts.addProperty("engine_works", engine.right());
    facts.addProperty("verdict", well ? "all is well" : "see above");
    return facts;
  }

  /** The kernels for large models. */
  private static String kernels() {
    return BoundKernels.find("vector").map(found -> "vector (jvm for small models)").orElse("jvm");
  }

  private static void print(PrintWriter out, JsonObject facts) {
    line(out, "java", facts.get("java").getAsString());
    line(out, "system", facts.get("system").getAsString());
    line(out, "processors", facts.get("processors").getAsString());
    line(out, "heap", (facts.get("heap_bytes").getAsLong() >> 20) + " MiB at most");
    line(out, "kernels", facts.get("kernels").getAsString());
    line(out, "plugins", facts.get("plugins").getAsString());
    facts.getAsJsonArray("problems").forEach(p -> line(out, "  problem", p.getAsString()));
    line(out, "engine", facts.get("engine").getAsString());
    if (!facts.get("engine_works").getAsBoolean()) {
      line(out, "  advice", ADVICE);
    }
    line(out, "verdict", facts.get("verdict").getAsString());
  }

  /** The file-to-file commands need no engine; torch compute and live models do. */
  private static EngineCheck engine() {
    try {
      EngineStart.require();
    } catch (QuantException e) {
      return new EngineCheck("does not start: " + e.getMessage(), false);
    }
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray a = manager.ones(new Shape(2, 3));
      boolean right = a.matMul(a.transpose()).sum().getFloat() == 12f;
      Engine engine = Engine.getInstance();
      return new EngineCheck(
          engine.getEngineName()
              + " "
              + engine.getVersion()
              + (right ? " works" : " computes WRONG"),
          right);
    } catch (RuntimeException | LinkageError e) {
      return new EngineCheck("does not start: " + e, false);
    }
  }

  private static void line(PrintWriter out, String what, String value) {
    out.print(Terminal.HERE.show(String.format("%-12s %s", what, Failure.oneLine(value))));
  }
}
