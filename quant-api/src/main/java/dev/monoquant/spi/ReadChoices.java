package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.util.Optional;

/**
 * What the user chooses where a model file leaves a choice. What a choice is made of is reported in
 * {@link ModelInfo#notes()}.
 *
 * @param entry the entry of a nested checkpoint that holds the weights, its path joined with
 *     slashes, such as {@code state_dict} or {@code ema/model}; empty to let the reader decide
 * @param stripPrefixes whether steps of wrappers for training and compiling, such as {@code
 *     module.} and {@code _orig_mod.}, are taken off the names. If empty, a detector gives the
 *     names of the file, and the pipeline takes the steps off
 * @param fold whether weights that {@code weight_norm}, {@code spectral_norm} and pruning make of
 *     other tensors are made once and for all. If empty, a detector gives the tensors of the file,
 *     and the pipeline makes the weights of a file by itself; of a directory it does not, since
 *     what loads one makes them as its configuration says
 */
public record ReadChoices(String entry, Optional<Boolean> stripPrefixes, Optional<Boolean> fold) {

  /** The reader decides everything. */
  public static final ReadChoices DEFAULT = new ReadChoices("", Optional.empty(), Optional.empty());

  /** Checks that nothing is null. */
  public ReadChoices {
    requireNonNull(entry, "entry");
    requireNonNull(stripPrefixes, "stripPrefixes");
    requireNonNull(fold, "fold");
  }

  /**
   * {@return these choices with that entry}
   *
   * @param path the path of the entry, joined with slashes
   */
  public ReadChoices withEntry(String path) {
    return new ReadChoices(path, stripPrefixes, fold);
  }

  /**
   * {@return these choices with prefixes stripped or kept}
   *
   * @param strip whether to strip them
   */
  public ReadChoices withStripPrefixes(boolean strip) {
    return new ReadChoices(entry, Optional.of(strip), fold);
  }

  /**
   * {@return these choices with parametrizations folded or kept}
   *
   * @param folded whether to fold them
   */
  public ReadChoices withFold(boolean folded) {
    return new ReadChoices(entry, stripPrefixes, Optional.of(folded));
  }

  /**
   * For formats without entries: an entry that would be ignored is an error.
   *
   * @param format the id of the format
   * @throws ConfigurationException if an entry was chosen
   */
  public void requireNoEntry(String format) {
    if (!entry.isEmpty()) {
      throw new ConfigurationException(
          "entry "
              + QuantException.quote(entry)
              + " was chosen, but a "
              + format
              + " input has no entries. Leave the choice out");
    }
  }

  /**
   * For formats that leave no choice: a choice that would be ignored is an error.
   *
   * @param format the id of the format
   * @throws ConfigurationException if anything was chosen
   */
  public void requireNone(String format) {
    requireNoEntry(format);
    if (stripPrefixes.isPresent()) {
      throw new ConfigurationException(
          "whether prefixes are stripped was chosen, but the names of a "
              + format
              + " input are those of its program or configuration, which stay. Leave the choice"
              + " out");
    }
    if (fold.isPresent()) {
      throw new ConfigurationException(
          "whether parametrizations are folded was chosen, but the tensors of a "
              + format
              + " input are those of its program or configuration, which stay. Leave the choice"
              + " out");
    }
  }
}
