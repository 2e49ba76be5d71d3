package dev.monoquant.core.trial;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.spi.RunnableFile;
import java.util.List;
import java.util.Optional;

/** Checks whether the program in a model file may run; it would run with the rights of the user. */
public final class TrustedCode {

  private static final int MOST_SHOWN = 10;

  private TrustedCode() {}

  /**
   * Throws unless a model may be run: its code only computes, or the user trusts it. Called before
   * an engine loads the file.
   *
   * @param model the name of a model in messages
   * @param file its code; a model without any passes only if it will not be run, which is the case
   *     for accepting a result
   * @param purpose the purpose of the run
   * @throws ModelFormatException if not, with the operations that the code may do and their places
   */
  public static void require(
      Settings settings, String model, Optional<RunnableFile> file, Purpose purpose) {
    if (settings.trust()) {
      return;
    }
    if (file.isEmpty()) {
      if (purpose == Purpose.COMPARE) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            model,
            "",
            "it has no code that could be checked and run. Only TorchScript files are run"
                + " (torch.jit.save, or torch.jit.trace)");
      }
      return;
    }
    List<String> findings = file.get().check().findings();
    if (findings.isEmpty()) {
      return;
    }
    int more = findings.size() - MOST_SHOWN;
    throw new ModelFormatException(
        Reason.UNTRUSTED_CODE,
        model,
        "",
        "its code was not run, since it is not known to do nothing but compute: "
            + String.join(", ", findings.subList(0, Math.min(findings.size(), MOST_SHOWN)))
            + (more > 0 ? " and " + more + " more" : "")
            + ". If you trust the author of the file, run it with --trust"
            + " (withTrust(true))"
            + purpose.remedy());
  }
}
