package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mixture of many small experts is inspected and planned in 512 MB. */
class ManyTensorsIT {

  private static final int TENSORS = 100_000;

  @TempDir private Path dir;

  @Test
  void aHundredThousandWeightsFit() throws IOException {
    ManyExperts.write(dir.resolve("many.safetensors"), TENSORS);
    Distribution small = new Distribution(dir).with("QUANT_OPTS", "-Xmx512m");
    Run inspect = small.quant("inspect", "many.safetensors");
    assertThat(inspect.code()).as(inspect.err()).isZero();
    Run plan = small.quant("quantize", "many.safetensors", "-o", "int8.safetensors", "--dry-run");
    assertThat(plan.code()).as(plan.err()).isZero();
    assertThat(plan.out()).contains("100000 weights of 100000 tensors");
  }
}
