package dev.monoquant.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.OutputException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.files.remote.StagedFiles;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Units as tasks of Spark in this JVM, with two at the same time and one more try for each. */
class LocalSparkTest {

  private static SparkSession session;

  @TempDir private Path folder;

  @BeforeAll
  static void start() {
    session =
        SparkSession.builder()
            .master("local[2,2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.hadoop.fs.hdfs.impl", StandIn.class.getName())
            .getOrCreate();
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static QuantizationConfig config(String scheme) {
    return QuantizationConfig.builder().scheme(scheme).build();
  }

  private static SplitPlan plan(Path input, Path target, String scheme, int units) {
    return Quantizer.create()
        .units()
        .plan(ModelInput.of(input), new Output(target, config(scheme)), units, false);
  }

  private void sameAsOneRun(Path model, String scheme, String name) throws IOException {
    Path alone = Files.createDirectory(folder.resolve("alone")).resolve(name);
    Report one = Quantizer.create().quantize(ModelInput.of(model), config(scheme), alone, false);
    Path target = folder.resolve(name);
    Report all = SparkUnits.on(session).run(plan(model, target, scheme, 3), report -> {});
    assertThat(Models.contents(target)).isEqualTo(Models.contents(alone));
    assertThat(all.weights()).hasSameSizeAs(one.weights());
    try (var left = Files.list(folder)) {
      assertThat(left).noneMatch(path -> path.getFileName().toString().startsWith("."));
    }
  }

  @Test
  void aFileHasTheBytesOfOneRun() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    sameAsOneRun(model, "int8", "out.safetensors");
  }

  @Test
  void aDirectoryHasTheBytesOfOneRun() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    sameAsOneRun(model, "W4A16", "out");
  }

  @Test
  void aGgufFileHasTheBytesOfOneRun() throws IOException, URISyntaxException {
    Path model = Path.of(getClass().getResource("/gguf/tiny-f16.gguf").toURI());
    sameAsOneRun(model, "ggml/q8-0", "out.gguf");
  }

  @Test
  void aDriverThatEndedBeforeTheJoinWritesNoUnitAgain() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    SplitPlan first = plan(model, folder.resolve("out"), "FP8_DYNAMIC", 4);
    Quantizer.create().units().run(first, 2);
    assertThat(SparkUnits.on(session).write(first)).isEqualTo(1);
    SplitPlan again = plan(model, folder.resolve("out"), "FP8_DYNAMIC", 4);
    assertThat(SparkUnits.on(session).write(again)).isEqualTo(4);
    SparkUnits.on(session).run(again, report -> {});
    assertThat(folder.resolve("out")).isDirectory();
  }

  @Test
  void aChangedInputIsRefusedWithTheFirstDifference() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 2, 128);
    SplitPlan plan = plan(model, folder.resolve("out"), "FP8_DYNAMIC", 2);
    Path shard = model.resolve("model-00002-of-00002.safetensors");
    Files.setLastModifiedTime(shard, FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));
    assertThatThrownBy(() -> SparkUnits.on(session).run(plan, report -> {}))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("unit ")
        .hasMessageContaining("input model-00002-of-00002.safetensors was")
        .hasMessageContaining("2020-01-01T00:00:00Z");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void theApplicationTakesTheOptionsOfThePlan() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] args = {
      model.toString(), "-o", folder.resolve("out").toString(), "--split", "2", "--scheme", "W8A16"
    };
    int code =
        QuantizeOnSpark.run(session, new PrintWriter(out, true), new PrintWriter(err, true), args);
    assertThat(code).as(err.toString()).isZero();
    assertThat(err.toString()).contains("2 units, complete before: 0");
    assertThat(folder.resolve("out").resolve("config.json")).exists();
    int again =
        QuantizeOnSpark.run(session, new PrintWriter(out, true), new PrintWriter(err, true), args);
    assertThat(again).as("the output exists").isEqualTo(5);
    args[2] = StandIn.ADDRESS + folder.resolve("far/out");
    int far =
        QuantizeOnSpark.run(session, new PrintWriter(out, true), new PrintWriter(err, true), args);
    assertThat(far).as(err.toString()).isZero();
    assertThat(Models.contents(folder.resolve("far/out")))
        .isEqualTo(Models.contents(folder.resolve("out")));
  }

  @Test
  void anAddressAfterTheOptionInOneWordIsNoFolderOfThisMachine() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 2, 128);
    for (String output : List.of("--output=" + StandIn.ADDRESS + "/", "-o" + StandIn.ADDRESS)) {
      StringWriter err = new StringWriter();
      int code =
          QuantizeOnSpark.run(
              session,
              new PrintWriter(new StringWriter()),
              new PrintWriter(err, true),
              model.toString(),
              output,
              "--split",
              "2");
      assertThat(code).as(err.toString()).isEqualTo(5);
      assertThat(err.toString()).contains("is the root of a file system");
    }
  }

  @Test
  void aNameThatHadoopCannotHaveIsNoFile() throws IOException {
    HadoopStore store = new HadoopStore(session.sparkContext().hadoopConfiguration());
    RemoteLocation here = RemoteLocation.parse(StandIn.ADDRESS + folder);
    try (RemoteFiles files = store.open(here, RemoteAccess.DEFAULT)) {
      assertThat(files.find("a:b.safetensors")).isEmpty();
    }
  }

  private SparkUnits remote() {
    return SparkUnits.on(session)
        .withStaging(folder.resolve("staging"), 1L << 30)
        .withOutput(StandIn.ADDRESS + folder.resolve("far/out"));
  }

  /** A plan of an input that only Hadoop reads; its output is on the disk of the driver first. */
  private SplitPlan remotePlan(SparkUnits units, Path model) throws IOException {
    Files.createDirectories(folder.resolve("near"));
    try (StagedFiles inputs = units.inputs()) {
      Path input = inputs.path(StandIn.ADDRESS + model);
      return plan(input, folder.resolve("near/out"), "FP8_DYNAMIC", 4);
    }
  }

  @Test
  void inputAndOutputMayBeOnAFileSystemOfHadoop() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    Path alone = Files.createDirectory(folder.resolve("alone")).resolve("out");
    Quantizer.create().quantize(ModelInput.of(model), config("FP8_DYNAMIC"), alone, false);
    SplitPlan plan = remotePlan(remote(), model);
    remote().run(plan, report -> {});
    assertThat(Models.contents(folder.resolve("far/out"))).isEqualTo(Models.contents(alone));
    assertThat(folder.resolve("far")).isDirectoryNotContaining(p -> !p.endsWith("out"));
    assertThat(folder.resolve("near")).isEmptyDirectory();
    assertThat(folder.resolve("staging")).isDirectoryNotContaining(p -> !p.endsWith("inputs"));
    assertThatThrownBy(() -> remote().write(remotePlan(remote(), model)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("exists");
  }

  /** The earlier output has its name until the new one is complete beside it, and after a fault. */
  @Test
  void anOutputThatIsReplacedIsNeverLost() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    Path far = Files.createDirectories(folder.resolve("far/out"));
    Files.writeString(far.resolve("config.json"), "of before");
    Files.createDirectories(folder.resolve("near"));
    SplitPlan plan;
    try (StagedFiles inputs = remote().inputs()) {
      ModelInput input = ModelInput.of(inputs.path(StandIn.ADDRESS + model));
      Output output = new Output(folder.resolve("near/out"), config("FP8_DYNAMIC"));
      plan = Quantizer.create().units().plan(input, output, 4, true);
    }
    try {
      for (String stuck : List.of("output-", "out")) {
        StandIn.STUCK.set(path -> path.getName().replaceFirst("-.*", "-").equals(stuck));
        assertThatThrownBy(() -> remote().run(plan, report -> {}))
            .isInstanceOf(OutputException.class)
            .hasMessageContaining("could not be renamed");
        assertThat(Models.contents(far)).as(stuck).isEqualTo(Map.of("config.json", "of before"));
      }
    } finally {
      StandIn.STUCK.set(path -> false);
    }
    remote().run(plan, report -> {});
    Path alone = Files.createDirectory(folder.resolve("alone")).resolve("out");
    Quantizer.create().quantize(ModelInput.of(model), config("FP8_DYNAMIC"), alone, false);
    assertThat(Models.contents(far)).isEqualTo(Models.contents(alone));
    assertThat(folder.resolve("far")).isDirectoryNotContaining(p -> !p.endsWith("out"));
  }

  @Test
  void whatIsSentInPartCountsForNothing() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    SplitPlan plan = remotePlan(remote(), model);
    StandIn.FULL.set(1);
    assertThat(remote().write(plan)).as("units that were complete before").isZero();
    assertThat(StandIn.FULL).as("files that were full").hasValue(0);
    StandIn.FULL.set(1);
    assertThatThrownBy(() -> remote().run(plan, report -> {}))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("No space left on device");
    assertThat(folder.resolve("far/out")).doesNotExist();
    assertThat(folder.resolve("near")).isEmptyDirectory();
    assertThat(remote().write(remotePlan(remote(), model))).isEqualTo(4);
    remote().run(plan, report -> {});
    assertThat(folder.resolve("far/out/config.json")).exists();
  }

  @Test
  void whatIsDamagedOnItsWayIsWrittenAgain() throws IOException {
    Path model = Models.directory(folder.resolve("in"), 4, 128);
    SplitPlan plan = remotePlan(remote(), model);
    remote().write(plan);
    Path parts = folder.resolve("far/.out.quant-parts-" + SplitPlanJson.id(plan));
    Path parcel = parts.resolve("unit-2");
    byte[] bytes = Files.readAllBytes(parcel);
    bytes[bytes.length - 100] ^= 1;
    Files.write(parcel, bytes);
    assertThatThrownBy(() -> remote().run(plan, report -> {}))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("unit-2: has other bytes than the unit sent");
    assertThat(remote().write(plan)).isEqualTo(3);
    remote().run(plan, report -> {});
    assertThat(folder.resolve("far/out/config.json")).exists();
  }
}
