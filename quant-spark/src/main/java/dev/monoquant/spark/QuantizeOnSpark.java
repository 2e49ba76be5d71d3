package dev.monoquant.spark;

import dev.monoquant.QuantException;
import dev.monoquant.cli.Main;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.spi.RemoteLocation;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
 * <p>The setting {@code spark.quant.staging} names a folder on each machine for what is on no disk
 * of its own; by default it is that of temporary files. Exit codes are those of {@code quant}.
 */
public final class QuantizeOnSpark {

  private static final int OUTPUT_FAILED = 5;

  /** The setting of Spark for the folder that {@link SparkUnits#withStaging} names. */
  private static final String STAGING = "spark.quant.staging";

  private QuantizeOnSpark() {}

  /**
   * Runs the application and, unless all went well, ends the JVM with the exit code.
   *
   * @param args the arguments of {@code quant plan} but for {@code --plan}: the plan is a temporary
   *     file
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
    String place = session.sparkContext().conf().get(STAGING, "");
    Path root = Path.of(place.isEmpty() ? System.getProperty("java.io.tmpdir") : place);
    Path folder = Files.createTempDirectory(Files.createDirectories(root), "quant-spark");
    try {
      SparkUnits units = SparkUnits.on(session);
      if (!place.isEmpty()) {
        units = units.withStaging(root, Staging.LIMIT);
      }
      List<String> words = words(args);
      int output = Math.max(words.indexOf("-o"), words.indexOf("--output")) + 1;
      if (output > 1 && output < words.size() && RemoteLocation.isAddress(words.get(output))) {
        String address = words.get(output);
        units = units.withOutput(address);
        String name = address.replaceFirst("/+$", "").replaceFirst(".*/", "");
        words.set(output, folder.resolve(name).toString());
      }
      Path file = folder.resolve("plan.json");
      words.addAll(List.of("--plan", file.toString()));
      int planned = Main.run(out, err, words.toArray(String[]::new));
      if (planned != 0 || !Files.exists(file)) {
        return planned; // or help was asked for
      }
      SplitPlan plan = SplitPlanJson.parse(Files.readString(file), file.toString());
      int before = units.write(plan);
      err.println("quant: " + plan.units().size() + " units, complete before: " + before);
      return units.join(
          plan, inputs -> Main.run(out, err, "join", file.toString(), "--no-progress"));
    } catch (QuantException e) {
      err.println("quant: " + e.getMessage());
      return OUTPUT_FAILED;
    } finally {
      Staging.delete(folder);
    }
  }

  /** The words of the command; an option and the address after it are two, however written. */
  private static List<String> words(String... args) {
    List<String> words = new ArrayList<>(List.of("plan"));
    for (String arg : args) {
      String value = arg.replaceFirst("^(--output=|-o=?)", "");
      if (!value.equals(arg) && RemoteLocation.isAddress(value)) {
        words.addAll(List.of("-o", value));
      } else {
        words.add(arg);
      }
    }
    return words;
  }
}
