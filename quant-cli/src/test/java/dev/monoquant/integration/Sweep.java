package dev.monoquant.integration;

/**
 * How much of a slow sweep runs: by default a part of it, with the system property {@code
 * quant.test.sweep=all} everything.
 */
final class Sweep {

  private static final boolean ALL = "all".equals(System.getProperty("quant.test.sweep"));

  private Sweep() {}

  /** {@return one of the two counts} */
  static int count(int some, int all) {
    return ALL ? all : some;
  }
}
