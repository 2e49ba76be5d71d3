package dev.monoquant.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** The entry point of the {@code quant} command; knows no command yet and prints its version. */
public final class Main {
  private Main() {}

  /**
   * Prints the version and ends with exit code 0.
   *
   * @param args the command line, not read
   */
  public static void main(String[] args) {
    String version = Main.class.getPackage().getImplementationVersion();
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    out.println("quant " + (version == null ? "(development)" : version));
  }
}
