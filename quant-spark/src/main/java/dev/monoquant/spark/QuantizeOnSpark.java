package dev.monoquant.spark;

import dev.monoquant.QuantException;
import dev.monoquant.cli.Main;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/**
 * The application for {@code spark-submit}: plans an output in the driver, writes its units in the
 * executors, and joins them in the driver.
 *
 * <pre>
 * spark-submit --class dev.monoquant.spark.QuantizeOnSpark --jars JARS quant-spark.jar \
 *   INPUT -o OUTPUT --split N [options of quant plan]
 * </pre>
 *
 * <p>Exit codes are those of {@code quant}.
 */
public final class QuantizeOnSpark {

  private static final int OUTPUT_FAILED = 5;

  private QuantizeOnSpark() {}

  /**
   * Runs the application and, unless all went well, ends the JVM with the exit code.
   *
   * @param args the arguments of {@code quant plan}; without {@code --plan}, the plan is a
   *     temporary file
   * @throws IOException if the temporary file cannot be made
   */
  public static void main(String[] args) throws IOException {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code;
    try (SparkSession session = SparkSession.builder().appName("quant").getOrCreate()) {
      code = run(session, out, err, args);
    }
    if (code != 0) {
      System.exit(code);
    }
  }

  /**
   * Runs the application in a session.
   *
   * @param session the session, which the caller stops
   * @param out receives the results
   * @param err receives messages
   * @param args as for {@link #main}
   * @return the exit code of {@code quant}
   * @throws IOException if the temporary file cannot be made
   */
  public static int run(SparkSession session, PrintWriter out, PrintWriter err, String... args)
      throws IOException {
    Path folder = Files.createTempDirectory("quant-spark");
    Path file = folder.resolve("plan.json");
    try {
      List<String> words = new ArrayList<>(List.of("plan"));
      words.addAll(Arrays.asList(args));
      int named = words.indexOf("--plan");
      if (named > 0 && named + 1 < words.size()) {
        file = Path.of(words.get(named + 1));
      } else {
        words.addAll(List.of("--plan", file.toString()));
      }
      int planned = Main.run(out, err, words.toArray(String[]::new));
      if (planned != 0 || !Files.exists(file)) {
        return planned; // or help was asked for
      }
      SplitPlan plan = SplitPlanJson.parse(Files.readString(file), file.toString());
      int before = SparkUnits.on(session).write(plan);
      err.println("quant: " + plan.units().size() + " units, complete before: " + before);
      return Main.run(out, err, "join", file.toString(), "--no-progress");
    } catch (QuantException e) {
      err.println("quant: " + e.getMessage());
      return OUTPUT_FAILED;
    } finally {
      Files.deleteIfExists(folder.resolve("plan.json"));
      Files.delete(folder);
    }
  }
}
