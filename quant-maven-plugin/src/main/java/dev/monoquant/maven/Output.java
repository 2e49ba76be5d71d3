package dev.monoquant.maven;

import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.maven.plugins.annotations.Parameter;
import org.jspecify.annotations.Nullable;

/** One of several outputs of the goal {@code quantize}. */
public final class Output {

  /** The file or directory to write. */
  @Parameter(required = true)
  @Nullable File path;

  /** The model; by default that of the goal. */
  @Parameter @Nullable File input;

  /** The scheme or preset; by default that of the goal. */
  @Parameter @Nullable String scheme;

  /** How many values share a scale: tensor, channel, group:N or block:RxC. */
  @Parameter @Nullable String granularity;

  /** Layers to leave unquantized in this output, besides those of the goal. */
  @Parameter List<String> exclude = new ArrayList<>();

  /** Options of plugins by name. */
  @Parameter Map<String, String> options = new LinkedHashMap<>();

  /** Made by Maven. */
  public Output() {}

  List<String> arguments() {
    List<String> all = new ArrayList<>();
    Arguments.add("--output", path, all);
    Arguments.add("--scheme", scheme, all);
    Arguments.add("--granularity", granularity, all);
    Arguments.addAll("--exclude", exclude, all);
    Arguments.addAll("--option", options, all);
    return all;
  }
}
