package dev.monoquant.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The options of a command under headings, in the order in which the command declares them. */
final class OptionGroups implements IHelpSectionRenderer {

  private static final String FIRST = "";

  private final CommandSpec command;
  private final Map<String, List<OptionSpec>> groups = new LinkedHashMap<>();

  /**
   * Sorts the options of a command.
   *
   * @param starts the heading of a group by the name of its first option; options before the first
   *     of them have no heading
   */
  OptionGroups(CommandSpec command, Map<String, String> starts) {
    this.command = command;
    String heading = FIRST;
    for (OptionSpec option : command.options()) {
      heading = starts.getOrDefault(option.longestName(), heading);
      if (!option.hidden()) {
        groups.computeIfAbsent(heading, h -> new ArrayList<>()).add(option);
      }
    }
  }

  Map<String, List<OptionSpec>> groups() {
    return groups;
  }

  /** Shows the groups in the help of a command. */
  void show() {
    command.usageMessage().sectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, this);
  }

  @Override
  public String render(Help help) {
    StringBuilder out = new StringBuilder();
    groups.forEach(
        (heading, options) -> {
          // The columns of every group have the width that all options need.
          Help.Layout layout =
              help.createDefaultLayout(
                  command.options(), command.positionalParameters(), help.colorScheme());
          layout.addOptions(options, help.parameterLabelRenderer());
          out.append(heading.isEmpty() ? "" : "\n" + heading + ":\n").append(layout);
        });
    return out.toString();
  }
}
