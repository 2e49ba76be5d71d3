package dev.monoquant.spi;

import java.net.URI;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A plugin with its id and origin.
 *
 * @param kind which interface it implements
 * @param id its id; without the version for a scheme
 * @param plugin the plugin
 * @param <T> the interface
 */
public record PluginEntry<T>(Kind kind, String id, T plugin) {

  static final Comparator<PluginEntry<?>> ORDER =
      Comparator.<PluginEntry<?>, Kind>comparing(PluginEntry::kind)
          .thenComparing(PluginEntry::id)
          .thenComparing(PluginEntry::className);

  /** The interfaces of plugins. */
  public enum Kind {
    /** {@link InputFormatDetector}. */
    INPUT_FORMAT("input format", InputFormatDetector.class),
    /** {@link LayerQuantizer}. */
    LAYER_QUANTIZER("layer quantizer", LayerQuantizer.class),
    /** {@link Scheme}. */
    SCHEME("scheme", Scheme.class),
    /** {@link OutputFormat}. */
    OUTPUT_FORMAT("output format", OutputFormat.class),
    /** {@link GgufArchitecture}. */
    GGUF_ARCHITECTURE("architecture", GgufArchitecture.class),
    /** {@link CalibrationReader}. */
    CALIBRATION_READER("calibration reader", CalibrationReader.class),
    /** {@link RemoteStore}. */
    REMOTE_STORE("remote store", RemoteStore.class),
    /** {@link ScaleMapping}. */
    SCALE_MAPPING("scale mapping", ScaleMapping.class);

    private final String text;
    private final Class<?> type;

    Kind(String text, Class<?> type) {
      this.text = text;
      this.type = type;
    }

    /** The interface. */
    Class<?> type() {
      return type;
    }

    /** {@return the name for messages} */
    public String text() {
      return text;
    }
  }

  /** {@return a plugin under each kind of plugins that it is} */
  static List<PluginEntry<?>> of(Object plugin) {
    List<PluginEntry<?>> found = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      if (kind.type().isInstance(plugin)) {
        found.add(of(kind, plugin));
      }
    }
    return found;
  }

  /** {@return a plugin under one of the kinds that it is} */
  static PluginEntry<?> of(Kind kind, Object plugin) {
    String id =
        switch (kind) {
          case INPUT_FORMAT -> ((InputFormatDetector) plugin).id();
          case LAYER_QUANTIZER -> ((LayerQuantizer) plugin).id();
          case SCHEME -> ((Scheme) plugin).id().name();
          case OUTPUT_FORMAT -> ((OutputFormat) plugin).id();
          case GGUF_ARCHITECTURE -> ((GgufArchitecture) plugin).id();
          case CALIBRATION_READER -> ((CalibrationReader) plugin).id();
          case REMOTE_STORE -> ((RemoteStore) plugin).id();
          case SCALE_MAPPING -> ((ScaleMapping) plugin).id();
        };
    return new PluginEntry<>(kind, id, plugin);
  }

  /** {@return the options that the plugin declares, see {@link OptionSpec}} */
  public List<OptionSpec<?>> options() {
    if (plugin instanceof InputFormatDetector format && kind == Kind.INPUT_FORMAT) {
      return format.options();
    }
    if (plugin instanceof LayerQuantizer quantizer && kind == Kind.LAYER_QUANTIZER) {
      return quantizer.options();
    }
    if (plugin instanceof Scheme scheme && kind == Kind.SCHEME) {
      return scheme.options();
    }
    if (plugin instanceof ScaleMapping mapping && kind == Kind.SCALE_MAPPING) {
      return mapping.options();
    }
    return plugin instanceof OutputFormat format && kind == Kind.OUTPUT_FORMAT
        ? format.options()
        : List.of();
  }

  /** {@return the class of the plugin} */
  public String className() {
    return plugin.getClass().getName();
  }

  /** {@return the file name of the jar, or the directory, that the class came from} */
  public String origin() {
    CodeSource source = plugin.getClass().getProtectionDomain().getCodeSource();
    if (source == null || source.getLocation() == null) {
      return "unknown origin";
    }
    URI location = URI.create(source.getLocation().toString());
    if (!"file".equals(location.getScheme())) {
      return location.toString();
    }
    Path file = Path.of(location).getFileName();
    return file == null ? location.toString() : file.toString();
  }
}
