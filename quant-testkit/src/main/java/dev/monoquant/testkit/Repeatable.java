package dev.monoquant.testkit;

/**
 * A plugin and an input that can be written down as Java, so that a failure is repeated by pasting
 * one line into a test.
 */
public interface Repeatable {

  /** {@return the expression that makes it again, with simple names of classes} */
  String expression();

  /**
   * {@return the expression that makes a plugin: a call of its constructor without arguments}
   *
   * @param plugin the plugin; of an anonymous class, the name shows where it is
   */
  static String creation(Object plugin) {
    String name = plugin.getClass().getName();
    return "new " + name.substring(name.lastIndexOf('.') + 1) + "()";
  }

  /**
   * {@return text as a Java literal}
   *
   * @param text any text
   */
  static String literal(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
