package dev.monoquant.io.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A pickle over the limit is refused for that, be it a record or the beginning of a file. */
class PickleLimitTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"legacy_types.pth", "protocol3.pt"})
  void thePickleMayHaveSoManyBytes(String name) throws IOException {
    ModelInput input = ModelInput.of(CheckpointContract.resource("/torch-oracle/" + name, folder));
    ModelFormatException refusal =
        catchThrowableOfType(
            ModelFormatException.class,
            () ->
                new TorchCheckpointFormat()
                    .open(input, ReadLimits.DEFAULT.withMaxPickleBytes(100))
                    .close());
    assertThat(refusal.reason()).isEqualTo(Reason.LIMIT);
    assertThat(refusal)
        .hasMessageContaining("at most 100 are read (limit maxPickleBytes)")
        .hasMessageContaining("Raise the limit if the file can be trusted");
    new TorchCheckpointFormat().open(input, ReadLimits.DEFAULT.withMaxPickleBytes(2000)).close();
  }
}
