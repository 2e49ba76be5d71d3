package dev.monoquant.script;

import java.util.Map;
import java.util.TreeMap;

/** Replacements of ranges of a text that do not overlap. */
final class Edits {

  private record Edit(int end, String text) {}

  private final TreeMap<Integer, Edit> edits = new TreeMap<>();

  /**
   * Replaces a range.
   *
   * @param start its first character
   * @param end the character after it
   * @param text the replacement
   * @throws IllegalStateException if the range overlaps another
   */
  void replace(int start, int end, String text) {
    Map.Entry<Integer, Edit> before = edits.floorEntry(start);
    Map.Entry<Integer, Edit> after = edits.ceilingEntry(start);
    if ((before != null && (before.getKey() == start || before.getValue().end() > start))
        || (after != null && after.getKey() < end)) {
      throw new IllegalStateException("two edits overlap at " + start);
    }
    edits.put(start, new Edit(end, text));
  }

  /** {@return whether there are no edits} */
  boolean isEmpty() {
    return edits.isEmpty();
  }

  /** Adds all edits of another object. */
  void addAll(Edits others) {
    others.edits.forEach((start, edit) -> replace(start, edit.end(), edit.text()));
  }

  /**
   * {@return a part of the text after its edits}
   *
   * @param text the whole text
   * @param start the first character of the part
   * @param end the character after it
   */
  String apply(String text, int start, int end) {
    StringBuilder out = new StringBuilder(end - start + 64);
    int at = start;
    for (Map.Entry<Integer, Edit> entry : edits.subMap(start, true, end, true).entrySet()) {
      out.append(text, at, entry.getKey()).append(entry.getValue().text());
      at = entry.getValue().end();
    }
    return out.append(text, at, end).toString();
  }
}
