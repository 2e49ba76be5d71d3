package dev.monoquant.core.trial;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import java.util.List;
import java.util.Optional;

/** A model file holds a program, which runs with the rights of the user. */
public final class TrustedCode {

  private static final int MOST_SHOWN = 10;

  private TrustedCode() {}

  /**
   * Does nothing if a model may be run: its code is known to do nothing but compute, or the user
   * trusts it. It is called before an engine sees the file.
   *
   * @param source a model; one that has no code to be run passes only if it will not be run, which
   *     is so if a result is to be accepted
   * @param purpose why it is to be run
   * @throws ModelFormatException if not, with what the code may do, each with its place
   */
  public static void require(Settings settings, ModelSource source, Purpose purpose) {
    if (settings.trust()) {
      return;
    }
    Optional<RunnableFile> file = source.find(RunnableFile.class);
    if (file.isEmpty()) {
      if (purpose == Purpose.COMPARE) {
        throw new ModelFormatException(
            Reason.NOT_THIS_FORMAT,
            source.info().name(),
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
        source.info().name(),
        "",
        "its code was not run, since it is not known to do nothing but compute: "
            + String.join(", ", findings.subList(0, Math.min(findings.size(), MOST_SHOWN)))
            + (more > 0 ? " and " + more + " more" : "")
            + ". If you trust whoever made the file, run it all the same: --trust"
            + " (withTrust(true))"
            + purpose.remedy());
  }
}
