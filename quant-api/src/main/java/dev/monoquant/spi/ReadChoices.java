package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;

/**
 * What the user chooses where a model file leaves a choice. What a choice is made of is reported in
 * {@link ModelInfo#notes()}.
 *
 * @param entry the entry of a nested checkpoint that holds the weights, its path joined with
 *     slashes, such as {@code state_dict} or {@code ema/model}; empty to let the reader decide
 * @param stripPrefixes whether {@code module.} and {@code _orig_mod.} are taken off the names if
 *     all names begin with it; they come from wrappers for training and compiling
 */
public record ReadChoices(String entry, boolean stripPrefixes) {

  /** The reader decides, and names stay as they are. */
  public static final ReadChoices DEFAULT = new ReadChoices("", false);

  /** Checks that nothing is null. */
  public ReadChoices {
    requireNonNull(entry, "entry");
  }

  /**
   * {@return these choices with that entry}
   *
   * @param path the path of the entry, joined with slashes
   */
  public ReadChoices withEntry(String path) {
    return new ReadChoices(path, stripPrefixes);
  }

  /**
   * {@return these choices with prefixes stripped or kept}
   *
   * @param strip whether to strip them
   */
  public ReadChoices withStripPrefixes(boolean strip) {
    return new ReadChoices(entry, strip);
  }

  /**
   * For formats that leave no choice: a choice that would be ignored is an error.
   *
   * @param format the id of the format
   * @throws ConfigurationException if anything was chosen
   */
  public void requireNone(String format) {
    if (!entry.isEmpty()) {
      throw new ConfigurationException(
          "entry "
              + QuantException.quote(entry)
              + " was chosen, but a "
              + format
              + " input has no entries. Leave the choice out");
    }
    if (stripPrefixes) {
      throw new ConfigurationException(
          "prefixes are to be stripped, but only names of PyTorch checkpoints can be changed, not"
              + " those of a "
              + format
              + " input. Leave the choice out");
    }
  }
}
