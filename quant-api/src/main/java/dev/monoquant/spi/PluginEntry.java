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
    INPUT_FORMAT("input format"),
    /** {@link LayerQuantizer}. */
    LAYER_QUANTIZER("layer quantizer"),
    /** {@link Scheme}. */
    SCHEME("scheme"),
    /** {@link OutputFormat}. */
    OUTPUT_FORMAT("output format"),
    /** {@link GgufArchitecture}. */
    GGUF_ARCHITECTURE("architecture"),
    /** {@link CalibrationReader}. */
    CALIBRATION_READER("calibration reader"),
    /** {@link RemoteStore}. */
    REMOTE_STORE("remote store"),
    /** {@link ScaleMapping}. */
    SCALE_MAPPING("scale mapping");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    /** {@return the name for messages} */
    public String text() {
      return text;
    }
  }

  static List<PluginEntry<?>> of(Object plugin) {
    List<PluginEntry<?>> found = new ArrayList<>();
    if (plugin instanceof InputFormatDetector p) {
      found.add(new PluginEntry<>(Kind.INPUT_FORMAT, p.id(), p));
    }
    if (plugin instanceof LayerQuantizer p) {
      found.add(new PluginEntry<>(Kind.LAYER_QUANTIZER, p.id(), p));
    }
    if (plugin instanceof Scheme p) {
      found.add(new PluginEntry<>(Kind.SCHEME, p.id().name(), p));
    }
    if (plugin instanceof OutputFormat p) {
      found.add(new PluginEntry<>(Kind.OUTPUT_FORMAT, p.id(), p));
    }
    if (plugin instanceof GgufArchitecture p) {
      found.add(new PluginEntry<>(Kind.GGUF_ARCHITECTURE, p.id(), p));
    }
    if (plugin instanceof CalibrationReader p) {
      found.add(new PluginEntry<>(Kind.CALIBRATION_READER, p.id(), p));
    }
    if (plugin instanceof RemoteStore p) {
      found.add(new PluginEntry<>(Kind.REMOTE_STORE, p.id(), p));
    }
    if (plugin instanceof ScaleMapping p) {
      found.add(new PluginEntry<>(Kind.SCALE_MAPPING, p.id(), p));
    }
    return found;
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
