package dev.monoquant.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.monoquant.Preset;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Plugins;
import dev.monoquant.tile.Granularity;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant plugins}. */
@Command(
    name = "plugins",
    description =
        "Lists the available schemes, presets, layer quantizers, formats and architectures of GGUF"
            + " files, with their options.",
    customSynopsis = "quant plugins [OPTIONS]",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant plugins --plugin my-scheme.jar"})
final class PluginsCommand implements Callable<Integer> {

  private static final int WIDTH = Math.min(80, Terminal.HERE.columns());

  private static final String PRESET = "\npreset ";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private final PluginOptions options = new PluginOptions();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (options) {
      Plugins plugins = options.load();
      out.print(json ? toJson(plugins) + "\n" : Terminal.HERE.show(toTable(plugins)));
      out.flush();
      return 0;
    }
  }

  private static JsonArray toJson(List<OptionSpec<?>> options) {
    JsonArray all = new JsonArray();
    for (OptionSpec<?> option : options) {
      JsonObject object = new JsonObject();
      object.addProperty("name", option.name());
      object.addProperty("type", option.type());
      object.addProperty("allowed", option.allowed());
      object.addProperty("default", option.examples().get(0));
      object.addProperty("help", option.help());
      all.add(object);
    }
    return all;
  }

  static String toTable(Plugins plugins) {
    StringBuilder text = new StringBuilder();
    for (PluginEntry<?> entry : plugins.entries()) {
      if (entry.kind() == PluginEntry.Kind.OUTPUT_FORMAT && text.indexOf(PRESET) < 0) {
        appendPresets(text);
      }
      text.append(line(entry.kind().text(), 18, entry.id(), entry.origin()));
      for (OptionSpec<?> option : entry.options()) {
        String set = OptionSpec.argument(option.name(), option.examples().get(0));
        text.append(wrapped("  " + set + "  " + option.help() + ": " + option.allowed(), 6));
      }
      names(entry)
          .forEach((what, n) -> text.append(wrapped("  " + what + ": " + String.join(", ", n), 6)));
    }
    if (text.indexOf(PRESET) < 0) {
      appendPresets(text);
    }
    plugins
        .problems()
        .forEach(p -> text.append("problem: ").append(Failure.oneLine(p.toString())).append("\n"));
    return text.toString();
  }

  /**
   * The names that a plugin knows, by what they name: the classes of models that an architecture of
   * GGUF files stores, and the mixes of schemes that an output format offers.
   */
  private static Map<String, List<String>> names(PluginEntry<?> entry) {
    if (entry.plugin() instanceof GgufArchitecture architecture) {
      return Map.of("models", architecture.models().stream().sorted().toList());
    }
    return entry.plugin() instanceof OutputFormat format && !format.mixes().isEmpty()
        ? Map.of("mixes", format.mixes())
        : Map.of();
  }

  private static void appendPresets(StringBuilder text) {
    for (Preset preset : Preset.values()) {
      String needs = preset.needsSamples() ? "; needs --calibration" : "";
      text.append(line("preset", 11, preset.name(), preset.meaning() + needs));
    }
  }

  private static String line(String kind, int width, String id, String rest) {
    return wrapped(
        String.format(Locale.ROOT, "%-15s  %-" + width + "s  %s", kind, id, rest), 19 + width);
  }

  /**
   * Wraps a text to lines of at most 80 columns, or those of the terminal; all but the first are
   * indented.
   */
  private static String wrapped(String text, int indent) {
    StringBuilder lines = new StringBuilder();
    String rest = text;
    while (rest.length() > WIDTH) {
      int cut = rest.lastIndexOf(' ', WIDTH);
      if (cut <= indent) {
        break;
      }
      lines.append(rest.substring(0, cut).stripTrailing()).append('\n');
      rest = " ".repeat(indent) + rest.substring(cut + 1);
    }
    return lines.append(rest.stripTrailing()).append('\n').toString();
  }

  private static JsonArray presets() {
    JsonArray all = new JsonArray();
    for (Preset preset : Preset.values()) {
      JsonObject object = new JsonObject();
      object.addProperty("name", preset.name());
      object.addProperty("scheme", preset.scheme().orElse(null));
      object.addProperty("symmetric", preset.symmetric().orElse(null));
      object.addProperty("granularity", preset.granularity().map(Granularity::wire).orElse(null));
      object.addProperty("activations", preset.activations().map(Object::toString).orElse(null));
      object.addProperty("needs_samples", preset.needsSamples());
      all.add(object);
    }
    return all;
  }

  static String toJson(Plugins plugins) {
    JsonArray entries = new JsonArray();
    for (PluginEntry<?> entry : plugins.entries()) {
      JsonObject object = new JsonObject();
      object.addProperty("kind", entry.kind().text());
      object.addProperty("id", entry.id());
      object.addProperty("class", entry.className());
      object.addProperty("origin", entry.origin());
      object.add("options", toJson(entry.options()));
      names(entry)
          .forEach(
              (what, all) -> {
                JsonArray names = new JsonArray();
                all.forEach(names::add);
                object.add(what, names);
              });
      entries.add(object);
    }
    JsonArray problems = new JsonArray();
    plugins.problems().forEach(p -> problems.add(p.toString()));
    JsonObject all = new JsonObject();
    all.addProperty("schema", 1);
    all.addProperty("kind", "plugins");
    all.add("plugins", entries);
    all.add("presets", presets());
    all.add("problems", problems);
    return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(all);
  }
}
