package dev.monoquant.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** The command line without a process of its own: what the last run said, and its exit code. */
final class InProcess {

  private String out = "";
  private String err = "";

  /** Runs a command; arguments are taken as their texts. */
  int run(Object... args) {
    String[] texts = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      texts[i] = args[i].toString();
    }
    StringWriter results = new StringWriter();
    StringWriter talk = new StringWriter();
    int code = Main.run(new PrintWriter(results, true), new PrintWriter(talk, true), texts);
    out = results.toString();
    err = talk.toString();
    return code;
  }

  String out() {
    return out;
  }

  String err() {
    return err;
  }
}
