package dev.monoquant.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.files.remote.StagedFiles;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Input and output on HDFS: a name node and a data node in this JVM. */
class HdfsTest {

  @TempDir private Path folder;

  /** The profile full has the jar of the mini cluster, which the class path lacks otherwise. */
  private Object miniCluster(Configuration configuration) throws ReflectiveOperationException {
    configuration.set("hdfs.minidfs.basedir", folder.resolve("dfs").toString());
    Object builder =
        Class.forName("org.apache.hadoop.hdfs.MiniDFSCluster$Builder")
            .getConstructor(Configuration.class)
            .newInstance(configuration);
    return builder.getClass().getMethod("build").invoke(builder);
  }

  @Test
  void inputAndOutputAreOnHdfs() throws Exception {
    assumeTrue(Boolean.getBoolean("quant.test.full"), "the profile full starts HDFS");
    Configuration configuration = new Configuration();
    Object hdfs = miniCluster(configuration);
    try {
      FileSystem files = (FileSystem) hdfs.getClass().getMethod("getFileSystem").invoke(hdfs);
      String address = files.getUri().toString();
      Path model = Models.directory(folder.resolve("in"), 4, 256);
      files.copyFromLocalFile(
          new org.apache.hadoop.fs.Path(model.toUri()), new org.apache.hadoop.fs.Path("/llm"));
      Path alone = Files.createDirectory(folder.resolve("alone")).resolve("out");
      QuantizationConfig config = QuantizationConfig.builder().scheme("FP8_DYNAMIC").build();
      Quantizer.create().quantize(ModelInput.of(model), config, alone, false);
      SparkSession session =
          SparkSession.builder()
              .master("local[2]")
              .config("spark.ui.enabled", "false")
              .config("spark.driver.host", "127.0.0.1")
              .config("spark.driver.bindAddress", "127.0.0.1")
              .getOrCreate();
      try {
        SparkUnits units =
            SparkUnits.on(session)
                .withStaging(folder.resolve("staging"), 1L << 30)
                .withOutput(address + "/out");
        SplitPlan plan;
        try (StagedFiles inputs = units.inputs()) {
          Output output = new Output(folder.resolve("out"), config);
          ModelInput input = ModelInput.of(inputs.path(address + "/llm"));
          plan = Quantizer.create().units().plan(input, output, 3, false);
        }
        units.run(plan, report -> {});
      } finally {
        session.stop();
      }
      Path back = folder.resolve("back");
      files.copyToLocalFile(
          new org.apache.hadoop.fs.Path("/out"), new org.apache.hadoop.fs.Path(back.toUri()));
      var bytes = Models.contents(back);
      bytes.keySet().removeIf(name -> name.endsWith(".crc"));
      assertThat(bytes).isEqualTo(Models.contents(alone));
      assertThat(files.listStatus(new org.apache.hadoop.fs.Path("/")))
          .extracting(status -> status.getPath().getName())
          .containsExactlyInAnyOrder("llm", "out");
    } finally {
      hdfs.getClass().getMethod("shutdown").invoke(hdfs);
    }
  }
}
