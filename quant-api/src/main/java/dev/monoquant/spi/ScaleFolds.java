package dev.monoquant.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a {@link ScaleMapping} knows of a model. Immutable.
 *
 * @param folds where factors can be moved, in the order of the model
 * @param left the names of weights whose inputs cannot be scaled, with reasons
 */
public record ScaleFolds(List<ScaleFold> folds, Map<String, String> left) {

  /** Copies the collections, keeping their order. */
  public ScaleFolds {
    folds = List.copyOf(folds);
    left = Collections.unmodifiableMap(new LinkedHashMap<>(left));
  }
}
