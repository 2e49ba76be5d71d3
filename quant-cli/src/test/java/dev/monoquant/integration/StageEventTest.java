package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What JDK Flight Recorder shows of a run. */
class StageEventTest {

  @TempDir private Path folder;

  @Test
  void everyStageIsAnEvent() throws IOException {
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 2, 32);
    Path output = folder.resolve("q.safetensors");
    List<RecordedEvent> events = recorded(() -> quantize(input, output));
    assertThat(events)
        .extracting(e -> e.getString("stage"))
        .containsExactly("processing", "committing");
    assertThat(events)
        .extracting(e -> e.getString("subject"))
        .containsExactly(input.toString(), output.toString());
    assertThat(events.get(0).getLong("bytes")).isPositive().isLessThan(Files.size(input));
    assertThat(events.get(0).getDuration()).isPositive();
  }

  @Test
  void verifyingComparingAndRunningAreEvents() throws IOException {
    Path input = Checkpoint.file(folder.resolve("in.safetensors"), 1, 2, 32);
    Path output = folder.resolve("q.safetensors");
    quantize(input, output);
    Path model = Digits.CNN.script("traced");
    List<RecordedEvent> events =
        recorded(
            () -> {
              Quantizer.create().verify(output, Optional.empty());
              Quantizer.create().compare(ModelInput.of(input), ModelInput.of(output));
              Quantizer.create()
                  .withModelRuns(ModelRuns.IN_PROCESS)
                  .runSideBySide(List.of(model, model));
            });
    assertThat(events)
        .extracting(e -> e.getString("stage"))
        .containsExactly("processing", "processing", "running");
    assertThat(events)
        .extracting(e -> e.getString("subject"))
        .containsExactly(output.toString(), input.toString(), model.toString());
  }

  private static void quantize(Path input, Path output) {
    Quantizer.create()
        .quantize(
            ModelInput.of(input),
            QuantizationConfig.builder().scheme("int8").build(),
            output,
            false);
  }

  private interface Work {
    void run() throws IOException;
  }

  private List<RecordedEvent> recorded(Work work) throws IOException {
    Path file = folder.resolve("run.jfr");
    try (Recording recording = new Recording()) {
      recording.start();
      work.run();
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file).stream()
        .filter(e -> e.getEventType().getName().equals("dev.monoquant.Stage"))
        .toList();
  }
}
