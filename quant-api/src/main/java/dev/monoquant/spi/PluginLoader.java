package dev.monoquant.spi;

import dev.monoquant.Problem;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** Finds providers with {@link ServiceLoader} and continues after a broken one. */
final class PluginLoader {

  /** Ends the search in a hostile or cyclic provider file. */
  private static final int MAX_FAILURES = 1000;

  private PluginLoader() {}

  static Plugins load(List<ClassLoader> loaders) {
    Map<Class<?>, PluginEntry<?>> found = new LinkedHashMap<>();
    List<Problem> problems = new ArrayList<>();
    for (ClassLoader loader : loaders) {
      collect(ServiceLoader.load(InputFormatDetector.class, loader), found, problems);
      collect(ServiceLoader.load(LayerQuantizer.class, loader), found, problems);
      collect(ServiceLoader.load(Scheme.class, loader), found, problems);
      collect(ServiceLoader.load(OutputFormat.class, loader), found, problems);
    }
    return new Plugins(new ArrayList<>(found.values()), problems.stream().distinct().toList());
  }

  private static <T> void collect(
      ServiceLoader<T> loader, Map<Class<?>, PluginEntry<?>> found, List<Problem> problems) {
    Iterator<ServiceLoader.Provider<T>> providers = loader.stream().iterator();
    for (int failures = 0; failures < MAX_FAILURES; ) {
      try {
        if (!providers.hasNext()) {
          return;
        }
        ServiceLoader.Provider<T> provider = providers.next();
        if (!found.containsKey(provider.type())) {
          add(provider.get(), found, problems);
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
      Object plugin, Map<Class<?>, PluginEntry<?>> found, List<Problem> problems) {
    String name = plugin.getClass().getName();
    try {
      for (PluginEntry<?> entry : PluginEntry.of(plugin)) {
        if (SchemeId.isValidName(entry.id())) {
          found.put(plugin.getClass(), entry);
        } else {
          problems.add(
              Problem.warning(
                  "plugin " + name,
                  "its id is " + entry.id(),
                  "Ids are lower case letters, digits and dashes, for third parties vendor/name"));
        }
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
