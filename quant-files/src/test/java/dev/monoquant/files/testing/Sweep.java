package dev.monoquant.files.testing;

import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.lifecycle.AroundPropertyHook;
import net.jqwik.api.lifecycle.PropagationMode;
import net.jqwik.api.lifecycle.PropertyExecutionResult;
import net.jqwik.api.lifecycle.PropertyExecutor;
import net.jqwik.api.lifecycle.PropertyLifecycleContext;

/**
 * How much of a slow sweep runs: by default a part of it, with the system property {@code
 * quant.test.sweep=all} everything. As a hook of a property it divides the number of its tries.
 */
public final class Sweep implements AroundPropertyHook {

  /** Whether everything runs. */
  public static final boolean ALL = "all".equals(System.getProperty("quant.test.sweep"));

  private static final int PART = 3;

  /** {@return one of the two counts} */
  public static int count(int some, int all) {
    return ALL ? all : some;
  }

  /** {@return all items, or every so many of them} */
  public static <T> List<T> of(List<T> items, int stride) {
    if (ALL || items.size() <= stride) {
      return items;
    }
    return IntStream.range(0, items.size())
        .filter(i -> i % stride == 0)
        .mapToObj(items::get)
        .toList();
  }

  @Override
  public PropagationMode propagateTo() {
    return PropagationMode.ALL_DESCENDANTS;
  }

  @Override
  public PropertyExecutionResult aroundProperty(
      PropertyLifecycleContext context, PropertyExecutor property) {
    if (!ALL) {
      context
          .attributes()
          .tries()
          .ifPresent(tries -> context.attributes().setTries(Math.max(1, tries / PART)));
    }
    return property.execute();
  }
}
