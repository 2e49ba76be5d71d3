package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The available plugins: a value made by the caller, not a global. Plugins that class loaders
 * provide are made when one of their kind is first asked for, and once.
 *
 * <p>A duplicate id is an error that names both classes and their origins; it is thrown when the id
 * is looked up. The same class found twice (two class loaders see one jar) counts once; a class
 * that is registered under several kinds is made once for each. A provider that cannot be
 * instantiated is a recorded problem; it is an error only if its id is looked up and no other
 * plugin has that id. Thread-safe.
 */
public final class Plugins {

  private final PluginSearch search;
  private final List<PluginEntry<?>> given;

  private Plugins(PluginSearch search, List<PluginEntry<?>> given) {
    this.search = search;
    this.given = List.copyOf(given);
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
    return new Plugins(new PluginSearch(List.of(loaders)), List.of());
  }

  /**
   * {@return a registry of exactly these plugins}
   *
   * @param plugins objects that implement at least one of the plugin interfaces
   * @throws ConfigurationException if one implements none of them
   */
  public static Plugins of(Object... plugins) {
    return load(new ClassLoader[0]).with(plugins);
  }

  /**
   * {@return a registry with more plugins}
   *
   * @param plugins objects that implement at least one of the plugin interfaces
   * @throws ConfigurationException if one implements none of them
   */
  public Plugins with(Object... plugins) {
    List<PluginEntry<?>> all = new ArrayList<>(given);
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
    return new Plugins(search, all);
  }

  /** {@return all plugins, by kind and then by id} */
  public List<PluginEntry<?>> entries() {
    return Arrays.stream(PluginEntry.Kind.values())
        .flatMap(kind -> entries(kind).stream().sorted(PluginEntry.ORDER))
        .toList();
  }

  /** {@return the providers that could not be instantiated, and ids that several plugins claim} */
  public List<Problem> problems() {
    List<Problem> all = new ArrayList<>();
    for (PluginEntry.Kind kind : PluginEntry.Kind.values()) {
      all.addAll(search.of(kind).problems());
    }
    for (PluginEntry.Kind kind : PluginEntry.Kind.values()) {
      all.addAll(PluginLookup.duplicates(kind, entries(kind)));
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
    return one(PluginEntry.Kind.SCHEME, Scheme.class, id);
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
    return one(PluginEntry.Kind.OUTPUT_FORMAT, OutputFormat.class, id);
  }

  /**
   * {@return the detector of that id}
   *
   * @param id such as {@code safetensors}
   * @throws ConfigurationException if no plugin or several plugins have this id
   */
  public InputFormatDetector inputFormat(String id) {
    return one(PluginEntry.Kind.INPUT_FORMAT, InputFormatDetector.class, id);
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
    return entries(kind).stream()
        .sorted(PluginEntry.ORDER)
        .map(e -> type.cast(e.plugin()))
        .toList();
  }

  private <T> T one(PluginEntry.Kind kind, Class<T> type, String id) {
    return type.cast(PluginLookup.one(kind, id, entries(kind), search.of(kind).problems()));
  }

  /** Those that were found, then those that were given. */
  private List<PluginEntry<?>> entries(PluginEntry.Kind kind) {
    List<PluginEntry<?>> all = new ArrayList<>(search.of(kind).entries());
    for (PluginEntry<?> entry : given) {
      if (entry.kind() == kind) {
        all.add(entry);
      }
    }
    return all;
  }
}
