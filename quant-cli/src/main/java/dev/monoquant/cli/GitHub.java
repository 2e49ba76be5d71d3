package dev.monoquant.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What GitHub Actions reads besides exit codes: annotations in the log, and the summary of a job.
 *
 * @param environment the environment variables
 */
record GitHub(Map<String, String> environment) {

  /** Of this process. */
  static final GitHub HERE = new GitHub(System.getenv());

  /** {@return whether this is a step of a workflow} */
  boolean isOn() {
    return "true".equals(environment.get("GITHUB_ACTIONS"));
  }

  /** {@return the page of the job, to which Markdown is appended} */
  Optional<Path> summary() {
    return Optional.ofNullable(environment.get("GITHUB_STEP_SUMMARY"))
        .filter(name -> !name.isEmpty())
        .map(Path::of);
  }

  /**
   * Marks the job with a message; does nothing outside of a workflow.
   *
   * @param level {@code error} or {@code warning}
   * @param message any text; it cannot end the command or begin another one
   * @param err standard error
   */
  void annotate(String level, String message, PrintWriter err) {
    if (isOn()) {
      err.println("::" + level + " title=quant::" + escaped(message));
    }
  }

  private static String escaped(String message) {
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A");
  }
}
