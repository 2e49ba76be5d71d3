package dev.monoquant.maven;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.Parameter;
import org.jspecify.annotations.Nullable;

/** What the goals that start the command line have in common. */
abstract class QuantMojo extends AbstractMojo {

  private static final String PREFIX = "quant: ";
  private static final String WARNING = "warning: ";
  private static final String NOTE = "note: ";

  /** What is no advice for a build. */
  private static final Pattern NOTHING = Pattern.compile("^(?:next: |::|Try 'quant )");

  /** The exit codes of failures that a change of the project can cure. */
  private static final List<Integer> USERS = List.of(2, 3, 4);

  /** Skips the goal. */
  @Parameter(property = "quant.skip", defaultValue = "false")
  boolean skip;

  /** Options of the JVM that runs the quantization, such as {@code -Xmx2g}. */
  @Parameter List<String> jvmArguments = new ArrayList<>();

  @Parameter(defaultValue = "${basedir}", readonly = true)
  File basedir = new File("");

  @Parameter(defaultValue = "${mojoExecution.executionId}", readonly = true)
  String executionId = "default";

  @Parameter(defaultValue = "${mojoExecution}", readonly = true)
  @Nullable MojoExecution execution;

  /** The directory of reports, and of the manifests by which outputs are found up to date. */
  @Parameter(defaultValue = "${project.build.directory}/quant")
  File reportDirectory = new File("");

  /** Makes the process; tests have no class loader of Maven's. */
  interface ChildMaker {
    Child of(QuantMojo mojo) throws MojoExecutionException;
  }

  ChildMaker maker =
      mojo ->
          new Child(
              Child.classPath(mojo.getClass().getClassLoader()),
              mojo.basedir.toPath(),
              mojo.jvmArguments);

  Child child() throws MojoExecutionException {
    return maker.of(this);
  }

  Words words() {
    return new Words(basedir.toPath().toAbsolutePath().normalize());
  }

  /** Logs a message in lines that fit. */
  void say(String text) {
    Words.fit(text).forEach(getLog()::info);
  }

  /** Logs what the command line says while it works; the rest is known at its end. */
  void log(String line) {
    String text = withoutPrefix(line);
    if (text.startsWith(WARNING)) {
      Words.fit(words().of(text.substring(WARNING.length()))).forEach(getLog()::warn);
    } else if (text.startsWith(NOTE)) {
      say(words().of(text));
    }
  }

  private static boolean isLogged(String text) {
    return text.startsWith(WARNING) || text.startsWith(NOTE);
  }

  private static String withoutPrefix(String line) {
    return line.startsWith(PREFIX) ? line.substring(PREFIX.length()) : line;
  }

  /**
   * Logs what a command said, or throws if it failed: a failure of the project if it was refused,
   * and an error of the build otherwise.
   *
   * @param what what has failed then
   * @param ended how the command ended
   * @param remedy where to look then
   */
  void requireSuccess(String what, Child.Ended ended, String remedy)
      throws MojoExecutionException, MojoFailureException {
    List<String> said =
        ended.err().stream()
            .map(QuantMojo::withoutPrefix)
            .filter(text -> !text.isBlank() && !isLogged(text) && !NOTHING.matcher(text).find())
            .map(words()::of)
            .toList();
    if (ended.code() == 0) {
      said.forEach(this::say);
      return;
    }
    String message = message(what, said, remedy);
    if (USERS.contains(ended.code())) {
      throw new MojoFailureException(message);
    }
    throw new MojoExecutionException(message + "\nexit code " + ended.code());
  }

  /** {@return a message of several lines; the first one stands behind the name of the goal} */
  static String message(String what, List<String> reasons, String remedy) {
    List<String> lines = new ArrayList<>(List.of(what + ":"));
    reasons.forEach(reason -> lines.addAll(Words.fit("  " + reason)));
    lines.addAll(Words.fit(remedy));
    return String.join("\n", lines);
  }

  /**
   * Refuses parameters that no goal has. Maven 3.8 drops them, and a build whose gate is misspelt
   * would pass. Those of other goals are allowed, since a pom may give them for all executions.
   */
  void requireKnown() throws MojoFailureException {
    if (execution == null) {
      return;
    }
    Plugin plugin = execution.getPlugin();
    Set<String> known = Configured.parameters();
    requireKnown(plugin.getConfiguration(), known);
    for (PluginExecution one : plugin.getExecutions()) {
      if (one.getId().equals(executionId)) {
        requireKnown(one.getConfiguration(), known);
      }
    }
  }

  private void requireKnown(@Nullable Object configuration, Set<String> known)
      throws MojoFailureException {
    for (String name : Configured.names(configuration)) {
      if (!known.contains(name)) {
        throw new MojoFailureException(
            message(
                executionId + " has the parameter <" + name + ">, which is not known",
                List.of(),
                "Correct its name. Known are " + String.join(", ", known)));
      }
    }
  }
}
