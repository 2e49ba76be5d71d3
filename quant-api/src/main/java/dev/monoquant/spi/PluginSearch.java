package dev.monoquant.spi;

import dev.monoquant.Problem;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * What class loaders provide. The plugins of a kind are made when they are first asked for: making
 * those of all kinds takes a quarter of the time of a command that only reads headers. Thread-safe.
 */
final class PluginSearch {

  /** Ends the search in a hostile or cyclic provider file. */
  private static final int MAX_FAILURES = 1000;

  /**
   * What there is of one kind.
   *
   * @param entries in the order of the loaders
   * @param problems the providers that could not be instantiated
   */
  record Found(List<PluginEntry<?>> entries, List<Problem> problems) {}

  private final List<ClassLoader> loaders;
  private final Map<PluginEntry.Kind, Found> found = new EnumMap<>(PluginEntry.Kind.class);

  PluginSearch(List<ClassLoader> loaders) {
    this.loaders = List.copyOf(loaders);
  }

  /** {@return the plugins of a kind, the same at each call} */
  synchronized Found of(PluginEntry.Kind kind) {
    Found known = found.get(kind);
    if (known == null) {
      known = search(kind);
      found.put(kind, known);
    }
    return known;
  }

  private Found search(PluginEntry.Kind kind) {
    Map<Class<?>, PluginEntry<?>> entries = new LinkedHashMap<>();
    List<Problem> problems = new ArrayList<>();
    for (ClassLoader loader : loaders) {
      collect(kind, ServiceLoader.load(kind.type(), loader), entries, problems);
    }
    return new Found(List.copyOf(entries.values()), problems.stream().distinct().toList());
  }

  private static <T> void collect(
      PluginEntry.Kind kind,
      ServiceLoader<T> loader,
      Map<Class<?>, PluginEntry<?>> entries,
      List<Problem> problems) {
    Iterator<ServiceLoader.Provider<T>> providers = loader.stream().iterator();
    for (int failures = 0; failures < MAX_FAILURES; ) {
      try {
        if (!providers.hasNext()) {
          return;
        }
        ServiceLoader.Provider<T> provider = providers.next();
        if (!entries.containsKey(provider.type())) {
          add(kind, provider.get(), entries, problems);
        }
      } catch (ServiceConfigurationError | LinkageError e) {
        failures++;
        problems.add(
            Problem.warning(
                "plugin",
                "a provider could not be loaded: " + rootMessage(e),
                "Its ids are missing; update or remove its jar"));
      }
    }
  }

  private static void add(
      PluginEntry.Kind kind,
      Object plugin,
      Map<Class<?>, PluginEntry<?>> entries,
      List<Problem> problems) {
    String name = plugin.getClass().getName();
    try {
      PluginEntry<?> entry = PluginEntry.of(kind, plugin);
      if (SchemeId.isValidName(entry.id())) {
        entries.put(plugin.getClass(), entry);
      } else {
        problems.add(
            Problem.warning(
                "plugin " + name,
                "its id is " + entry.id(),
                "Ids are lower case letters, digits and dashes, for third parties vendor/name"));
      }
    } catch (RuntimeException e) {
      problems.add(
          Problem.warning(
              "plugin " + name, "asking for its id failed: " + e, "Update or remove its jar"));
    }
  }

  private static String rootMessage(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root == e ? String.valueOf(e.getMessage()) : e.getMessage() + " (" + root + ")";
  }
}
