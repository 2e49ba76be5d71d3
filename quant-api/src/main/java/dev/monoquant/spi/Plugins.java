package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * The available plugins: an immutable value made by the caller, not a global.
 *
 * <p>A duplicate id is an error that names both classes and their origins; it is thrown when the id
 * is looked up. The same class found twice (two class loaders see one jar) counts once. A provider
 * that cannot be instantiated is a recorded problem; it is an error only if its id is looked up and
 * no other plugin has that id. Thread-safe.
 */
public final class Plugins {

  /** Ends the search in a hostile or cyclic provider file. */
  private static final int MAX_FAILURES = 1000;

  private final List<PluginEntry<?>> entries;
  private final List<Problem> problems;

  Plugins(List<PluginEntry<?>> entries, List<Problem> problems) {
    this.entries = List.copyOf(entries);
    this.problems = List.copyOf(problems);
  }

  /**
   * {@return the plugins that the class loader of this class and the thread's context class loader
   * can see}
   */
  public static Plugins load() {
    ClassLoader own = Objects.requireNonNull(Plugins.class.getClassLoader());
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context == null || context == own ? load(own) : load(own, context);
  }

  /**
   * {@return the plugins that some class loaders can see}
   *
   * @param loaders class loaders to search, such as a {@code URLClassLoader} over extra jars; the
   *     caller closes them after the last use of any plugin
   */
  public static Plugins load(ClassLoader... loaders) {
    Map<Class<?>, PluginEntry<?>> found = new LinkedHashMap<>();
    List<Problem> problems = new ArrayList<>();
    for (ClassLoader loader : loaders) {
      collect(ServiceLoader.load(InputFormatDetector.class, loader), found, problems);
      collect(ServiceLoader.load(LayerQuantizer.class, loader), found, problems);
      collect(ServiceLoader.load(Scheme.class, loader), found, problems);
      collect(ServiceLoader.load(OutputFormat.class, loader), found, problems);
      collect(ServiceLoader.load(GgufArchitecture.class, loader), found, problems);
      collect(ServiceLoader.load(CalibrationReader.class, loader), found, problems);
      collect(ServiceLoader.load(RemoteStore.class, loader), found, problems);
      collect(ServiceLoader.load(ScaleMapping.class, loader), found, problems);
    }
    return new Plugins(new ArrayList<>(found.values()), problems.stream().distinct().toList());
  }

  /**
   * {@return a registry of exactly these plugins}
   *
   * @param plugins objects that implement at least one of the plugin interfaces
   * @throws ConfigurationException if one implements none of them
   */
  public static Plugins of(Object... plugins) {
    return new Plugins(List.of(), List.of()).with(plugins);
  }

  /**
   * {@return a registry with more plugins}
   *
   * @param plugins objects that implement at least one of the plugin interfaces
   * @throws ConfigurationException if one implements none of them
   */
  public Plugins with(Object... plugins) {
    List<PluginEntry<?>> all = new ArrayList<>(entries);
    for (Object plugin : plugins) {
      List<PluginEntry<?>> found = PluginEntry.of(plugin);
      if (found.isEmpty()) {
        throw new ConfigurationException(
            plugin.getClass().getName()
                + " is no plugin; it must implement Scheme, LayerQuantizer, InputFormatDetector,"
                + " OutputFormat, GgufArchitecture, CalibrationReader, RemoteStore or"
                + " ScaleMapping");
      }
      all.addAll(found);
    }
    return new Plugins(all, problems);
  }

  /** {@return all plugins, by kind and then by id} */
  public List<PluginEntry<?>> entries() {
    return entries.stream().sorted(PluginEntry.ORDER).toList();
  }

  /** {@return the providers that could not be instantiated, and ids that several plugins claim} */
  public List<Problem> problems() {
    List<Problem> all = new ArrayList<>(problems);
    for (PluginEntry.Kind kind : PluginEntry.Kind.values()) {
      all.addAll(PluginLookup.duplicates(kind, entries));
    }
    return all;
  }

  /**
   * {@return the scheme of that id}
   *
   * @param id such as {@code int8}
   * @throws ConfigurationException if no plugin or several plugins have this id
   */
  public Scheme scheme(String id) {
    return PluginLookup.one(PluginEntry.Kind.SCHEME, Scheme.class, id, entries, problems);
  }

  /**
   * {@return the scheme that can read weights written under an id}
   *
   * @param id name and version
   * @throws ConfigurationException if there is no such scheme, or it is older than that version
   */
  public Scheme scheme(SchemeId id) {
    Scheme scheme = scheme(id.name());
    if (scheme.id().version() < id.version()) {
      throw new ConfigurationException(
          "scheme "
              + id
              + " is needed and "
              + scheme.id()
              + " is available; use the plugin that wrote the file, or a newer one");
    }
    return scheme;
  }

  /**
   * {@return the output format of that id}
   *
   * @param id such as {@code safetensors}
   * @throws ConfigurationException if no plugin or several plugins have this id
   */
  public OutputFormat outputFormat(String id) {
    return PluginLookup.one(
        PluginEntry.Kind.OUTPUT_FORMAT, OutputFormat.class, id, entries, problems);
  }

  /**
   * {@return the detector of that id}
   *
   * @param id such as {@code safetensors}
   * @throws ConfigurationException if no plugin or several plugins have this id
   */
  public InputFormatDetector inputFormat(String id) {
    return PluginLookup.one(
        PluginEntry.Kind.INPUT_FORMAT, InputFormatDetector.class, id, entries, problems);
  }

  /** {@return all schemes, ids in order} */
  public List<Scheme> schemes() {
    return all(PluginEntry.Kind.SCHEME, Scheme.class);
  }

  /** {@return all output formats, ids in order} */
  public List<OutputFormat> outputFormats() {
    return all(PluginEntry.Kind.OUTPUT_FORMAT, OutputFormat.class);
  }

  /** {@return all detectors, ids in order} */
  public List<InputFormatDetector> inputFormats() {
    return all(PluginEntry.Kind.INPUT_FORMAT, InputFormatDetector.class);
  }

  /** {@return all layer quantizers, ids in order} */
  public List<LayerQuantizer> layerQuantizers() {
    return all(PluginEntry.Kind.LAYER_QUANTIZER, LayerQuantizer.class);
  }

  /** {@return all readers of calibrations, ids in order} */
  public List<CalibrationReader> calibrationReaders() {
    return all(PluginEntry.Kind.CALIBRATION_READER, CalibrationReader.class);
  }

  /** {@return all remote stores, ids in order} */
  public List<RemoteStore> remoteStores() {
    return all(PluginEntry.Kind.REMOTE_STORE, RemoteStore.class);
  }

  /** {@return all mappings of scales, ids in order} */
  public List<ScaleMapping> scaleMappings() {
    return all(PluginEntry.Kind.SCALE_MAPPING, ScaleMapping.class);
  }

  private <T> List<T> all(PluginEntry.Kind kind, Class<T> type) {
    return entries().stream()
        .filter(e -> e.kind() == kind)
        .map(e -> type.cast(e.plugin()))
        .toList();
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
