package dev.monoquant.core.event;

import dev.monoquant.core.control.Progress;
import java.io.IOException;
import jdk.jfr.FlightRecorder;

/**
 * Records the stages of a run with JDK Flight Recorder. While nothing was recorded yet, the class
 * of the event is not loaded: the recorder would read its catalogue of events then, which costs a
 * short run more than the work of a stage.
 */
public final class RecordedStage {

  private RecordedStage() {}

  /**
   * The work of a stage.
   *
   * @param <T> its result
   */
  @FunctionalInterface
  public interface Work<T> {
    /** Does the work. */
    T run() throws IOException;
  }

  /** The work of a stage that has no result. */
  @FunctionalInterface
  public interface Task {
    /** Does the work. */
    void run() throws IOException;
  }

  /**
   * Does the work of a stage without a result, and records it, also if it fails.
   *
   * @param stage the stage
   * @param subject the model, or the output
   * @param bytes the bytes of input of the stage
   */
  public static void run(Progress.Stage stage, String subject, long bytes, Task task)
      throws IOException {
    during(
        stage,
        subject,
        bytes,
        () -> {
          task.run();
          return subject;
        });
  }

  /**
   * Does the work of a stage, and records it, also if it fails.
   *
   * @param stage the stage
   * @param subject the model, or the output
   * @param bytes the bytes of input of the stage
   * @return the result of the work
   */
  public static <T> T during(Progress.Stage stage, String subject, long bytes, Work<T> work)
      throws IOException {
    if (!FlightRecorder.isInitialized()) {
      return work.run();
    }
    StageEvent event = new StageEvent(stage, subject, bytes);
    event.begin();
    try {
      return work.run();
    } finally {
      event.commit();
    }
  }
}
