package dev.monoquant.core.event;

import dev.monoquant.core.control.Progress;
import java.io.IOException;
import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * One stage of a run, with its duration, for JDK Flight Recorder. Costs nothing noticeable while
 * nothing is recorded: there are a few of them in a run.
 */
@Name("dev.monoquant.Stage")
@Label("Stage")
@Description("A stage of a run of Mono Quant")
@Category("Mono Quant")
@StackTrace(false)
public final class StageEvent extends Event {

  @Label("Stage")
  @Description("statistics, processing, running, timing, observing or committing")
  final String stage;

  @Label("Subject")
  @Description("The model, or the output")
  final String subject;

  @Label("Bytes")
  @Description("The bytes of input of the stage; 0 if it has none")
  @DataAmount
  final long bytes;

  private StageEvent(Progress.Stage stage, String subject, long bytes) {
    this.stage = stage.name().toLowerCase(Locale.ROOT);
    this.subject = subject;
    this.bytes = bytes;
  }

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
    StageEvent event = new StageEvent(stage, subject, bytes);
    event.begin();
    try {
      return work.run();
    } finally {
      event.commit();
    }
  }
}
