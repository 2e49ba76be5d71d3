package dev.monoquant.testkit;

/**
 * A plugin and an input with a Java expression, so that one line pasted into a test repeats a
 * failure.
 */
public interface Repeatable {

  /** {@return the expression that creates it again, with simple names of classes} */
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
