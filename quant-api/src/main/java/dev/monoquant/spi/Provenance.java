package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How an output is made. It holds no time and no name of a machine, so two runs on the same input
 * with the same configuration have equal values. Immutable.
 *
 * <p>What this does not do: it is not a text. {@code dev.monoquant.files.manifest.ProvenanceText}
 * writes it to the metadata of a file and to a manifest.
 *
 * @param tool the name of the program that makes the output, such as {@code monoquant}
 * @param version the version of that program
 * @param configuration the configuration with its defaults filled in, a recipe in JSON; empty if
 *     the program has none
 * @param plugins the class and version of each plugin that is used, such as {@code
 *     com.example.Int8Scheme 1.2}, by kind and id, such as {@code scheme int8}
 * @param reading how the input is read
 * @param calibration the {@linkplain Calibration#digest hash} of the calibration, if it is used
 * @param edits how each tensor was scaled before it was quantized, such as {@code divided (awq) by
 *     0.5 to 2}, by its name in the input; empty without an {@linkplain ScaleMapping edit}
 * @param hashing what the manifest records of the contents of files
 * @param inputs the hash of each input file by name, if they are known before the output is
 *     written, of the kind that {@code hashing} asks for. If empty, the writer computes them from
 *     the files of the source
 */
public record Provenance(
    String tool,
    String version,
    String configuration,
    SortedMap<String, String> plugins,
    Reading reading,
    Optional<String> calibration,
    SortedMap<String, String> edits,
    Hashing hashing,
    Optional<SortedMap<String, String>> inputs) {

  /**
   * How an input is read. Other choices give other values, although the file is the same.
   *
   * @param choices what to take from the file
   * @param options a value for each option of the input format
   */
  public record Reading(ReadChoices choices, OptionValues options) {

    /** The input leaves no choice. */
    public static final Reading DEFAULT = new Reading(ReadChoices.DEFAULT, OptionValues.DEFAULTS);

    /** Checks that nothing is null. */
    public Reading {
      requireNonNull(choices, "choices");
      requireNonNull(options, "options");
    }
  }

  /** Checks the tool and its version, and copies the maps. */
  public Provenance {
    if (tool.isBlank() || version.isBlank()) {
      throw new IllegalArgumentException(
          "a provenance needs the name of a tool and its version, got \""
              + tool
              + "\" and \""
              + version
              + "\"");
    }
    requireNonNull(configuration, "configuration");
    requireNonNull(reading, "reading");
    requireNonNull(calibration, "calibration");
    requireNonNull(hashing, "hashing");
    plugins = copy(plugins);
    edits = copy(edits);
    inputs = inputs.map(Provenance::copy);
  }

  /**
   * {@return the provenance of a program without configuration and plugins}
   *
   * @param tool the name of the program
   * @param version its version
   */
  public static Provenance of(String tool, String version) {
    return new Provenance(
        tool,
        version,
        "",
        new TreeMap<>(),
        Reading.DEFAULT,
        Optional.empty(),
        new TreeMap<>(),
        Hashing.OUTPUTS,
        Optional.empty());
  }

  /**
   * {@return a copy with known hashes of the inputs}
   *
   * @param hashes the hash of each input file by name
   */
  public Provenance withInputs(Map<String, String> hashes) {
    return new Provenance(
        tool,
        version,
        configuration,
        plugins,
        reading,
        calibration,
        edits,
        hashing,
        Optional.of(new TreeMap<>(hashes)));
  }

  private static SortedMap<String, String> copy(SortedMap<String, String> map) {
    return Collections.unmodifiableSortedMap(new TreeMap<>(map));
  }
}
