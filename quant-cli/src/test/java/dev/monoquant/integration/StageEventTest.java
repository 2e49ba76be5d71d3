package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
    Path file = folder.resolve("run.jfr");
    try (Recording recording = new Recording()) {
      recording.start();
      Quantizer.create()
          .quantize(
              ModelInput.of(input),
              QuantizationConfig.builder().scheme("int8").build(),
              output,
              false);
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(e -> e.getEventType().getName().equals("dev.monoquant.Stage"))
            .toList();
    assertThat(events)
        .extracting(e -> e.getString("stage"))
        .containsExactly("processing", "committing");
    assertThat(events)
        .extracting(e -> e.getString("subject"))
        .containsExactly(input.toString(), output.toString());
    assertThat(events.get(0).getLong("bytes")).isPositive().isLessThan(Files.size(input));
    assertThat(events.get(0).getDuration()).isPositive();
  }
}
