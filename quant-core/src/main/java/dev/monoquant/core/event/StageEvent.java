package dev.monoquant.core.event;

import dev.monoquant.core.control.Progress;
import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One stage of a run, with its duration, for JDK Flight Recorder. */
@Name("dev.monoquant.Stage")
@Label("Stage")
@Description("A stage of a run of Mono Quant")
@Category("Mono Quant")
@StackTrace(false)
final class StageEvent extends Event {

  @Label("Stage")
  @Description("statistics, processing, running or committing")
  final String stage;

  @Label("Subject")
  @Description("The model, or the output")
  final String subject;

  @Label("Bytes")
  @Description("The bytes of input of the stage; 0 if it has none")
  @DataAmount
  final long bytes;

  StageEvent(Progress.Stage stage, String subject, long bytes) {
    this.stage = stage.name().toLowerCase(Locale.ROOT);
    this.subject = subject;
    this.bytes = bytes;
  }
}
