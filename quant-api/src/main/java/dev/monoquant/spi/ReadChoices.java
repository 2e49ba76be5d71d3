package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;

/**
 * How to read a model file with several possible contents. {@link ModelInfo#notes()} reports the
 * alternatives and the choice.
 *
 * @param entry the entry of a nested checkpoint that holds the weights, its path joined with
 *     slashes, such as {@code state_dict} or {@code ema/model}; empty to let the reader decide
 * @param stripPrefixes whether to remove the prefix {@code module.} or {@code _orig_mod.} from
 *     tensor names if all names have it; wrappers for training and compiling add them
 */
public record ReadChoices(String entry, boolean stripPrefixes) {

  /** The reader chooses the entry, and names do not change. */
  public static final ReadChoices DEFAULT = new ReadChoices("", false);

  /** Checks that nothing is null. */
  public ReadChoices {
    requireNonNull(entry, "entry");
  }

  /**
   * {@return a copy with another entry}
   *
   * @param path the path of the entry, joined with slashes
   */
  public ReadChoices withEntry(String path) {
    return new ReadChoices(path, stripPrefixes);
  }

  /**
   * {@return a copy that strips or keeps prefixes}
   *
   * @param strip whether to strip them
   */
  public ReadChoices withStripPrefixes(boolean strip) {
    return new ReadChoices(entry, strip);
  }

  /**
   * Refuses all choices, for formats without alternatives: a choice is never ignored.
   *
   * @param format the id of the format
   * @throws ConfigurationException if a choice is set
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
