package dev.monoquant.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.master.Master;
import org.apache.spark.deploy.worker.Worker;
import org.apache.spark.rpc.RpcEnv;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.Option;

/** Units in executors that are processes of their own, and what happens when they are lost. */
class ClusterTest {

  private static final String SCHEME = "W4A16";

  @TempDir private Path folder;
  private Cluster cluster;

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private SparkSession start(String... settings) throws IOException {
    return start(false, settings);
  }

  private SparkSession start(boolean hosts, String... settings) throws IOException {
    assumeTrue(Boolean.getBoolean("quant.test.full"), "the profile full starts executors");
    cluster = new Cluster(folder.resolve("spark"), hosts, settings);
    return cluster.session();
  }

  private static QuantizationConfig config(String scheme) {
    return QuantizationConfig.builder().scheme(scheme).build();
  }

  private Path alone(Path model, String scheme, String name) throws IOException {
    Path target = Files.createDirectories(folder.resolve("alone")).resolve(name);
    Quantizer.create().quantize(ModelInput.of(model), config(scheme), target, false);
    return target;
  }

  private SplitPlan plan(Path model, String scheme, String name, int units) {
    Output output = new Output(folder.resolve(name), config(scheme));
    return Quantizer.create().units().plan(ModelInput.of(model), output, units, false);
  }

  private void requireSame(String name, Path alone) throws IOException {
    assertThat(Models.contents(folder.resolve(name))).isEqualTo(Models.contents(alone));
  }

  @Test
  void threeFormatsHaveTheBytesOfOneRun() throws IOException, URISyntaxException {
    SparkSession session = start();
    Path gguf = Path.of(getClass().getResource("/gguf/tiny-f16.gguf").toURI());
    Path model = Models.directory(folder.resolve("in"), 6, 256);
    for (String[] row :
        new String[][] {
          {"out.safetensors", "int8"}, {"out", SCHEME}, {"out.gguf", "ggml/q8-0"},
        }) {
      Path input = row[0].endsWith("gguf") ? gguf : model;
      Path alone = alone(input, row[1], row[0]);
      SparkUnits.on(session).run(plan(input, row[1], row[0], 5), report -> {});
      requireSame(row[0], alone);
    }
    assertThat(cluster.tasks()).allMatch(task -> task.contains("Success"));
    assertThat(cluster.executors()).as("executors that ran tasks").hasSize(2);
  }

  @Test
  void anExecutorThatIsKilledLosesNothing() throws IOException {
    SparkSession session = start();
    Path model = Models.directory(folder.resolve("in"), 8, 1024);
    Path alone = alone(model, SCHEME, "out");
    SplitPlan plan = plan(model, SCHEME, "out", 8);
    cluster.onFirstTask(ProcessHandle::destroyForcibly);
    SparkUnits.on(session).run(plan, report -> {});
    requireSame("out", alone);
    assertThat(cluster.tasks()).anyMatch(task -> task.contains("ExecutorLostFailure"));
  }

  /** The second attempt, on another host, ends first; the slow one comes back during the join. */
  @Test
  void aUnitThatIsSlowOnceIsTakenOverBySpeculation() throws IOException {
    SparkSession session =
        start(
            true,
            "spark.speculation",
            "true",
            "spark.speculation.interval",
            "200ms",
            "spark.speculation.quantile",
            "0.5");
    Path model = Models.directory(folder.resolve("in"), 6, 256);
    Path alone = alone(model, SCHEME, "out");
    SplitPlan plan = plan(model, SCHEME, "out", 6);
    cluster.onFirstTask(executor -> Cluster.signal("STOP", executor));
    try {
      SparkUnits.on(session).write(plan);
    } finally {
      cluster.resume();
    }
    Quantizer.create().units().join(plan, report -> {});
    requireSame("out", alone);
    assertThat(cluster.speculative()).as("second attempts by speculation").isPositive();
    assertThat(cluster.tasks()).noneMatch(task -> task.contains("ExecutorLostFailure"));
  }

  /** Without speculation: the executor is given up after some seconds of silence. */
  @Test
  void anExecutorThatStallsAndComesBackHarmsNothing() throws IOException {
    SparkSession session =
        start(
            "spark.network.timeout", "8s",
            "spark.network.timeoutInterval", "1s",
            "spark.executor.heartbeatInterval", "1s");
    Path model = Models.directory(folder.resolve("in"), 6, 256);
    Path alone = alone(model, SCHEME, "out");
    SplitPlan plan = plan(model, SCHEME, "out", 6);
    AtomicBoolean stopped = new AtomicBoolean();
    cluster.onFirstTask(
        executor -> {
          Cluster.signal("STOP", executor);
          stopped.set(true);
        });
    try {
      SparkUnits.on(session).write(plan);
    } finally {
      cluster.resume();
    }
    assertThat(stopped).isTrue();
    Quantizer.create().units().join(plan, report -> {});
    requireSame("out", alone);
    assertThat(cluster.tasks()).anyMatch(task -> task.contains("ExecutorLostFailure"));
  }

  @Test
  void unitsThatRunTwiceAtTheSameTimeWriteTheSameBytes() throws IOException {
    SparkSession session = start();
    Path model = Models.directory(folder.resolve("in"), 6, 512);
    Path alone = alone(model, SCHEME, "out");
    SplitPlan plan = plan(model, SCHEME, "out", 6);
    CompletableFuture<Integer> other =
        CompletableFuture.supplyAsync(() -> SparkUnits.on(session).write(plan));
    SparkUnits.on(session).write(plan);
    other.join();
    Quantizer.create().units().join(plan, report -> {});
    requireSame("out", alone);
    assertThat(cluster.tasks()).hasSize(12);
  }

  /** Two executors with a processor each, which are children of this JVM. */
  private static final class Cluster implements AutoCloseable {

    private final SparkSession session;
    private final Queue<String> tasks = new ConcurrentLinkedQueue<>();
    private final Queue<String> executors = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean pending = new AtomicBoolean();
    private final AtomicInteger speculative = new AtomicInteger();
    private final List<RpcEnv> hosts = new ArrayList<>();
    private volatile Consumer<ProcessHandle> action = executor -> {};

    /**
     * A home without jars, as the class path of this JVM has them all; its folder says Scala's
     * version.
     *
     * @param twoHosts whether each executor has a host of its own, which are two addresses of the
     *     loopback interface: Spark speculates on other hosts only
     */
    Cluster(Path home, boolean twoHosts, String... settings) throws IOException {
      Files.createDirectories(home.resolve("jars"));
      Files.createDirectories(home.resolve("launcher/target/scala-2.13"));
      System.setProperty("spark.testing", "1");
      System.setProperty("spark.test.home", home.toString());
      SparkSession.Builder builder =
          SparkSession.builder()
              .master(twoHosts ? startHosts(home) : "local-cluster[2,1,1024]")
              .config("spark.executor.memory", "1024m")
              .config("spark.ui.enabled", "false")
              .config("spark.driver.host", "127.0.0.1")
              .config("spark.driver.bindAddress", "127.0.0.1")
              .config("spark.local.dir", home.resolve("local").toString())
              .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
              .config(
                  "spark.executor.extraJavaOptions",
                  "-XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error"
                      + " -Dai.djl.offline=true");
      for (int i = 0; i < settings.length; i += 2) {
        builder.config(settings[i], settings[i + 1]);
      }
      session = builder.getOrCreate();
      session.sparkContext().addSparkListener(new Watch());
    }

    /** Starts a master and two workers in this JVM. */
    private String startHosts(Path home) {
      SparkConf conf = new SparkConf(false);
      RpcEnv master = Master.startRpcEnvAndEndpoint("127.0.0.1", 0, 0, conf)._1();
      String address = master.address().toSparkURL();
      for (int worker = 1; worker <= 2; worker++) {
        hosts.add(
            Worker.startRpcEnvAndEndpoint(
                "127.0.0." + worker,
                0,
                0,
                1,
                1024,
                new String[] {address},
                home.resolve("work").toString(),
                Option.apply(worker),
                conf,
                Option.empty()));
      }
      hosts.add(master);
      return address;
    }

    SparkSession session() {
      return session;
    }

    /** How many attempts Spark started because another was slow. */
    int speculative() {
      return speculative.get();
    }

    /** What became of each task that ended, in words. */
    Queue<String> tasks() {
      return tasks;
    }

    List<String> executors() {
      return executors.stream().distinct().toList();
    }

    /** Does something to the executor of the first task that starts. */
    void onFirstTask(Consumer<ProcessHandle> what) {
      action = what;
      pending.set(true);
    }

    static void signal(String name, ProcessHandle process) {
      try {
        int code =
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
        assertThat(code).isZero();
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    void resume() {
      backends().forEach(process -> signal("CONT", process));
    }

    private static List<ProcessHandle> backends() {
      return ProcessHandle.current()
          .descendants()
          .filter(p -> command(p).contains("CoarseGrainedExecutorBackend"))
          .toList();
    }

    /** The kernel cuts what {@code ProcessHandle} shows of a command with a long class path. */
    private static String command(ProcessHandle process) {
      try {
        return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"))
            .replace('\0', ' ');
      } catch (IOException ended) {
        return "";
      }
    }

    private final class Watch extends SparkListener {

      @Override
      public void onTaskStart(SparkListenerTaskStart start) {
        String id = start.taskInfo().executorId();
        executors.add(id);
        if (start.taskInfo().speculative()) {
          speculative.incrementAndGet();
        }
        if (pending.compareAndSet(true, false)) {
          backends().stream()
              .filter(p -> command(p).contains("--executor-id " + id + " "))
              .forEach(action);
        }
      }

      @Override
      public void onTaskEnd(SparkListenerTaskEnd end) {
        String how =
            end.reason() instanceof ExecutorLostFailure
                ? "ExecutorLostFailure"
                : end.reason().toString();
        tasks.add(how);
      }
    }

    @Override
    public void close() {
      session.stop();
      hosts.forEach(RpcEnv::shutdown);
      hosts.forEach(RpcEnv::awaitTermination);
      System.clearProperty("spark.testing");
      System.clearProperty("spark.test.home");
    }
  }
}
