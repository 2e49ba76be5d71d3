package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.model.Float16;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Half-precision weights, all finite, whose range has no finite half-precision scale. */
class ScaleOverflowTest {

  @TempDir private Path folder;

  /** Two linear layers of FLOAT16, one of them with 60,000 and -60,000 in its third row. */
  private Path model() throws IOException {
    byte[] header =
        ("{\"good.weight\":{\"dtype\":\"F16\",\"shape\":[16,16],\"data_offsets\":[0,512]},"
                + "\"wide.weight\":{\"dtype\":\"F16\",\"shape\":[16,16],\"data_offsets\":[512,1024]}}")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + header.length + 1024).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    for (int i = 0; i < 512; i++) {
      float value = i == 256 + 32 ? 60_000 : i == 256 + 33 ? -60_000 : (float) Math.sin(i);
      file.putShort(Float16.fromFloat(value));
    }
    return Files.write(folder.resolve("half.safetensors"), file.array());
  }

  private Report quantize(NonFinitePolicy policy, boolean symmetric) throws IOException {
    QuantizationConfig config =
        QuantizationConfig.builder()
            .scheme("int8")
            .symmetric(symmetric)
            .layer("*", dev.monoquant.model.LayerKind.LINEAR)
            .nonFinite(policy)
            .build();
    Path out = folder.resolve("out.safetensors");
    Report report = Quantizer.create().quantize(ModelInput.of(model()), config, out, true);
    assertThat(Quantizer.create().verify(out, Optional.of(ModelInput.of(model()))).differences())
        .isEmpty();
    return report;
  }

  @Test
  void isRefusedAndNothingWritten() {
    for (NonFinitePolicy policy :
        new NonFinitePolicy[] {NonFinitePolicy.FAIL, NonFinitePolicy.CLAMP}) {
      assertThatThrownBy(() -> quantize(policy, false))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("wide.weight")
          .hasMessageContaining("row 2")
          .hasMessageContaining("no finite scale in F16");
      assertThat(folder.resolve("out.safetensors")).doesNotExist();
    }
  }

  @Test
  void isKeptIfThatIsThePolicy() throws IOException {
    Report report = quantize(NonFinitePolicy.KEEP, false);
    assertThat(report.weights()).extracting(w -> w.name()).containsExactly("good.weight");
    assertThat(report.plan().kept())
        .extracting(k -> k.tensor().name() + " " + k.why())
        .containsExactly("wide.weight " + UnquantizedTensor.Why.NON_FINITE);
    assertThat(report.problems().toString()).contains("no finite scale in F16", "row 2");
  }

  @Test
  void isQuantizedWhereTheScaleIsFinite() throws IOException {
    assertThat(quantize(NonFinitePolicy.KEEP, true).weights()).hasSize(2);
  }
}
