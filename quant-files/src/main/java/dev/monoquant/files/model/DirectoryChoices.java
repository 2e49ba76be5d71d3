package dev.monoquant.files.model;

import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import java.util.List;

/**
 * The user's choices for an ambiguous model directory.
 *
 * @param index which applies if the index and its shards disagree
 * @param sideFiles which files beside the tensors belong to the model
 */
public record DirectoryChoices(String index, String sideFiles) {

  static final String AGREE = "agree";
  static final String INDEX = "index";
  static final String SHARDS = "shards";
  static final String MODEL = "model";
  static final String ALL = "all";
  static final String NONE = "none";

  private static final OptionSpec<String> INDEX_OPTION =
      OptionSpec.choice(
          "index",
          AGREE,
          List.of(AGREE, INDEX, SHARDS),
          "What counts where the index and its shards disagree: they must agree, the index, or what"
              + " the shards hold");

  private static final OptionSpec<String> SIDE_FILES_OPTION =
      OptionSpec.choice(
          "side-files",
          MODEL,
          List.of(MODEL, ALL, NONE),
          "What lies beside the tensors and is carried over: the model's own files, all (other"
              + " programs' weights too), or none but config.json");

  /** The options for the choices. */
  public static final List<OptionSpec<?>> OPTIONS = List.of(INDEX_OPTION, SIDE_FILES_OPTION);

  /** The default: index and shards must agree, and the model's own files are copied. */
  public static final DirectoryChoices DEFAULT = new DirectoryChoices(AGREE, MODEL);

  /**
   * {@return the choices in some option values}
   *
   * @param options values of {@link #OPTIONS}
   */
  public static DirectoryChoices of(OptionValues options) {
    return new DirectoryChoices(options.get(INDEX_OPTION), options.get(SIDE_FILES_OPTION));
  }
}
