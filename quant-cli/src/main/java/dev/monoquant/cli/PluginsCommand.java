package dev.monoquant.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Plugins;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant plugins}. */
@Command(
    name = "plugins",
    description = "Lists the available schemes, layer quantizers and formats.",
    customSynopsis = "quant plugins [OPTIONS]",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class PluginsCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private final PluginOptions options = new PluginOptions();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (options) {
      Plugins plugins = options.load();
      out.print(json ? toJson(plugins) + "\n" : toTable(plugins));
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
      text.append(
          String.format(
              Locale.ROOT,
              "%-15s  %-20s  %s (%s)\n",
              entry.kind().text(),
              entry.id(),
              entry.className(),
              entry.origin()));
      for (OptionSpec<?> option : entry.options()) {
        text.append(
            String.format(
                Locale.ROOT,
                "%-15s  %s  %s: %s\n",
                "",
                CommonOptions.argument(option.name(), option.examples().get(0)),
                option.help(),
                option.allowed()));
      }
    }
    plugins
        .problems()
        .forEach(p -> text.append("problem: ").append(Failure.oneLine(p.toString())).append("\n"));
    return text.toString();
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
      entries.add(object);
    }
    JsonArray problems = new JsonArray();
    plugins.problems().forEach(p -> problems.add(p.toString()));
    JsonObject all = new JsonObject();
    all.addProperty("schema", 1);
    all.addProperty("kind", "plugins");
    all.add("plugins", entries);
    all.add("problems", problems);
    return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(all);
  }
}
