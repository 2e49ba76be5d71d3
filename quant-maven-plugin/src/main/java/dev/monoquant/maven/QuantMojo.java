package dev.monoquant.maven;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.Parameter;

/** What the goals that start the command line have in common. */
abstract class QuantMojo extends AbstractMojo {

  private static final String PREFIX = "quant: ";

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

  /** Logs a line of the command line's messages. */
  void log(String line) {
    String text = line.startsWith(PREFIX) ? line.substring(PREFIX.length()) : line;
    if (text.startsWith("warning: ")) {
      getLog().warn(text.substring("warning: ".length()));
    } else if (!text.startsWith("next: ")) {
      // What to do next on a command line is no advice for a build.
      getLog().info(text);
    }
  }

  /**
   * Throws if a command failed: a failure of the project if it was refused, and an error of the
   * build otherwise.
   *
   * @param what the thing that failed
   * @param ended how the command ended
   * @param remedy where to look
   */
  static void requireSuccess(String what, Child.Ended ended, String remedy)
      throws MojoExecutionException, MojoFailureException {
    if (ended.code() == 0) {
      return;
    }
    String reasons =
        ended.err().stream()
            .map(line -> line.startsWith(PREFIX) ? line.substring(PREFIX.length()) : line)
            .filter(line -> !line.isBlank() && !line.startsWith("::"))
            .collect(Collectors.joining("\n"));
    String message = what + ": " + reasons + "\n" + remedy;
    if (USERS.contains(ended.code())) {
      throw new MojoFailureException(message);
    }
    throw new MojoExecutionException(message + " (exit code " + ended.code() + ")");
  }
}
