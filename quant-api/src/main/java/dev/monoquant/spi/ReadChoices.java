package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.util.Optional;

/**
 * How to read a model file with several possible contents. {@link ModelInfo#notes()} reports the
 * alternatives and the choice.
 *
 * @param entry the entry of a nested checkpoint that holds the weights, its path joined with
 *     slashes, such as {@code state_dict} or {@code ema/model}; empty to let the reader decide
 * @param stripPrefixes whether to remove names of wrappers for training and compiling, such as
 *     {@code module.} and {@code _orig_mod.}, from tensor names. If empty, a detector returns the
 *     names of the file, and the pipeline removes them
 * @param fold whether to replace the tensors of {@code weight_norm}, {@code spectral_norm} and
 *     pruning by the weights computed from them. If empty, a detector returns the tensors of the
 *     file, and the pipeline folds them for a single file; for a directory it does not, because its
 *     loader computes them as the configuration requires
 */
public record ReadChoices(String entry, Optional<Boolean> stripPrefixes, Optional<Boolean> fold) {

  /** All choices have their defaults. */
  public static final ReadChoices DEFAULT = new ReadChoices("", Optional.empty(), Optional.empty());

  /** Checks that nothing is null. */
  public ReadChoices {
    requireNonNull(entry, "entry");
    requireNonNull(stripPrefixes, "stripPrefixes");
    requireNonNull(fold, "fold");
  }

  /**
   * {@return a copy with another entry}
   *
   * @param path the path of the entry, joined with slashes
   */
  public ReadChoices withEntry(String path) {
    return new ReadChoices(path, stripPrefixes, fold);
  }

  /**
   * {@return a copy that strips or keeps prefixes}
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
   * Refuses all choices, for formats without alternatives: a choice is never ignored.
   *
   * @param format the id of the format
   * @throws ConfigurationException if a choice is set
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
