package dev.monoquant.testkit.watch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The breaches of the protocol that a watch recorded. Thread-safe. */
final class Breaches {

  private final ConcurrentLinkedQueue<String> breaches = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Runnable> atEnd = new ConcurrentLinkedQueue<>();

  void note(String subject, String what) {
    breaches.add(subject + ": " + what);
  }

  /** Adds a check for the end of all runs. */
  void atEnd(Runnable check) {
    atEnd.add(check);
  }

  /** {@return the breaches so far, after running the added checks} */
  List<String> all() {
    while (true) {
      Runnable last = atEnd.poll();
      if (last == null) {
        return new ArrayList<>(breaches);
      }
      last.run();
    }
  }
}
