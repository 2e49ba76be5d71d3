package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Encoding;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A weight together with how it is, or will be, quantized and stored.
 *
 * @param rows the weight, with the name, type and shape it has as a float tensor
 * @param scheme the scheme that made the codes
 * @param options the resolved options of the scheme
 * @param encoding the parts
 * @param storage the options of the output format's own for this weight, in canonical form, see
 *     {@link OutputFormat#options()}; empty if the format has none or is not known yet
 * @param script how TorchScript decodes the parts, see {@link Scheme#torchScript}
 */
public record EncodedWeight(
    WeightMatrix rows,
    SchemeId scheme,
    Options options,
    Encoding encoding,
    Map<String, String> storage,
    Optional<String> script) {

  /** Checks that nothing is null. */
  public EncodedWeight {
    requireNonNull(rows, "rows");
    requireNonNull(scheme, "scheme");
    requireNonNull(options, "options");
    requireNonNull(encoding, "encoding");
    requireNonNull(script, "script");
    storage = Collections.unmodifiableMap(new TreeMap<>(storage));
  }

  /**
   * A weight that says nothing about files.
   *
   * @param rows the weight
   * @param scheme the scheme that made the codes
   * @param options the resolved options
   * @param encoding the parts
   */
  public EncodedWeight(WeightMatrix rows, SchemeId scheme, Options options, Encoding encoding) {
    this(rows, scheme, options, encoding, Map.of(), Optional.empty());
  }

  /** {@return the full name of the weight} */
  public String name() {
    return rows.tensor().name();
  }

  /**
   * {@return the value of an option of the output format's own; its default if nothing is said}
   *
   * @param option one of {@link OutputFormat#options()}
   * @param <T> the type of the value
   * @throws dev.monoquant.ConfigurationException if the value is not allowed
   */
  public <T> T storage(OptionSpec<T> option) {
    String text = storage.get(option.name());
    return text == null ? option.defaultValue() : option.parse(text);
  }

  /**
   * {@return this weight, to be stored in another way}
   *
   * @param values options of the output format's own by name
   */
  public EncodedWeight withStorage(Map<String, String> values) {
    return new EncodedWeight(rows, scheme, options, encoding, values, script);
  }
}
