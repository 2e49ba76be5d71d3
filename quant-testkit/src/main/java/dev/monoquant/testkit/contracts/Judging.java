package dev.monoquant.testkit.contracts;

import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.NotApplicable;
import java.util.Optional;
import net.jqwik.api.lifecycle.AroundPropertyHook;
import net.jqwik.api.lifecycle.Lifespan;
import net.jqwik.api.lifecycle.PropagationMode;
import net.jqwik.api.lifecycle.PropertyExecutionResult;
import net.jqwik.api.lifecycle.PropertyExecutionResult.Status;
import net.jqwik.api.lifecycle.PropertyExecutor;
import net.jqwik.api.lifecycle.PropertyLifecycleContext;
import net.jqwik.api.lifecycle.Store;
import org.opentest4j.TestAbortedException;

/**
 * Reports a test of a contract as skipped if its law applied in none of its tries. Otherwise jqwik
 * would drop such tries and report a failure, or report a success if the law returned normally.
 *
 * <p>jqwik creates an instance for each contract.
 */
public final class Judging implements AroundPropertyHook {

  /** The results of a law so far, for one test in one thread. */
  private static final class Tally {
    private boolean applied;
    private Optional<String> skipped = Optional.empty();
  }

  /** Called by jqwik. */
  public Judging() {}

  @Override
  public PropagationMode propagateTo() {
    return PropagationMode.ALL_DESCENDANTS;
  }

  @Override
  public PropertyExecutionResult aroundProperty(
      PropertyLifecycleContext context, PropertyExecutor property) throws Throwable {
    Tally tally = tally();
    PropertyExecutionResult result = property.execute();
    return result.status() == Status.SUCCESSFUL && !tally.applied && tally.skipped.isPresent()
        ? result.mapToAborted(new TestAbortedException(tally.skipped.get()))
        : result;
  }

  private static Tally tally() {
    return Store.getOrCreate(Judging.class, Lifespan.PROPERTY, Tally::new).get();
  }

  /** Checks a law in a try, and records whether it applies. */
  static void judge(Runnable law) {
    Tally tally = tally();
    try {
      law.run();
      tally.applied = true;
    } catch (NotApplicable notApplicable) {
      tally.skipped = Optional.of(String.valueOf(notApplicable.getMessage()));
    }
  }

  /** Checks a law if its condition holds; if not, the law does not apply. */
  static void judge(String law, boolean condition, String otherwise, Runnable check) {
    judge(
        () -> {
          if (!condition) {
            throw new NotApplicable(law, otherwise);
          }
          check.run();
        });
  }

  /**
   * Checks that a plugin is found under its id and has the same class.
   *
   * @param registered whether it is registered; if not, the law does not apply
   * @param id its id
   * @param plugin the plugin
   */
  static void judgeRegistered(boolean registered, String id, Object plugin) {
    judge(
        "isRegistered",
        registered,
        "registered() is false",
        () -> {
          boolean found =
              Plugins.load().entries().stream()
                  .anyMatch(e -> e.id().equals(id) && e.plugin().getClass() == plugin.getClass());
          if (!found) {
            throw new LawViolation(
                "isRegistered", plugin.getClass().getName(), id + " is not registered");
          }
        });
  }
}
