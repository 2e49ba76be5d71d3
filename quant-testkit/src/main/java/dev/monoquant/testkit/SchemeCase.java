package dev.monoquant.testkit;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.fakes.MemoryTile;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A scheme, a weight, options and where to compute: the input of every law about schemes, with
 * methods to run the scheme like the pipeline. Immutable.
 *
 * @param scheme the subject
 * @param weight what to quantize
 * @param options complete options
 * @param compute where to compute
 */
public record SchemeCase(Scheme scheme, WeightSample weight, OptionValues options, Compute compute)
    implements Repeatable {

  /** Checks that nothing is null. */
  public SchemeCase {
    requireNonNull(scheme, "scheme");
    requireNonNull(weight, "weight");
    requireNonNull(options, "options");
    requireNonNull(compute, "compute");
  }

  /**
   * A case with {@link Compute#AUTO}.
   *
   * @param scheme the subject
   * @param weight what to quantize
   * @param options complete options
   */
  public SchemeCase(Scheme scheme, WeightSample weight, OptionValues options) {
    this(scheme, weight, options, Compute.AUTO);
  }

  /**
   * A case with the scheme's defaults.
   *
   * @param scheme the subject
   * @param weight what to quantize
   */
  public SchemeCase(Scheme scheme, WeightSample weight) {
    this(scheme, weight, defaults(scheme, weight.rows()));
  }

  /**
   * {@return a value for every option of a scheme: its default for a weight, else the default of
   * the option}
   *
   * @param scheme the subject
   * @param weight the weight
   */
  public static OptionValues defaults(Scheme scheme, WeightMatrix weight) {
    return OptionValues.defaults(scheme.options()).with(scheme.defaults(weight).texts());
  }

  /**
   * {@return this case with another weight}
   *
   * @param other the weight
   */
  public SchemeCase on(WeightSample other) {
    return new SchemeCase(scheme, other, options, compute);
  }

  /**
   * Whether the scheme accepts this weight with these options. Laws do not apply to cases that a
   * scheme refuses with a {@link QuantException}.
   *
   * @return false if the encoding or the values are refused
   */
  public boolean accepted() {
    try {
      encoding();
      quantize();
      return true;
    } catch (QuantException e) {
      return false;
    }
  }

  /**
   * {@return whether the scheme accepts a weight of this shape with these options, for any values}
   */
  public boolean isEncoded() {
    try {
      encoding();
      return true;
    } catch (QuantException e) {
      return false;
    }
  }

  /**
   * {@return the parts that the scheme declares}
   *
   * @throws ConfigurationException if it does not describe an option, does not allow its value, or
   *     the weight does not fit
   */
  public Encoding encoding() {
    requireAllowed(scheme.options(), options);
    return scheme.fit(weight.rows(), options).orThrow(weight.rows());
  }

  /** Checks the options like the framework before it calls a scheme. */
  private static void requireAllowed(List<OptionSpec<?>> described, OptionValues options) {
    Map<String, OptionSpec<?>> specs = new HashMap<>();
    described.forEach(spec -> specs.put(spec.name(), spec));
    options
        .texts()
        .forEach(
            (name, text) -> {
              OptionSpec<?> spec = specs.get(name);
              if (spec == null) {
                throw new ConfigurationException("no option " + name + " in " + described);
              }
              spec.parse(text);
            });
  }

  /** {@return a new worker, with exactly the facts that the scheme needs or uses} */
  public TileQuantizer begin() {
    Set<Need> wanted = new HashSet<>(scheme.needs(options));
    wanted.addAll(scheme.uses(options));
    return scheme.begin(weight.rows(), options, weight.facts(wanted), compute);
  }

  /** {@return a new worker, as for a weight that the calibration of a run lacks} */
  public TileQuantizer beginWithoutInputs() {
    Set<Need> wanted = new HashSet<>(scheme.needs(options));
    wanted.removeIf(Need::isOfInputs);
    return scheme.begin(weight.rows(), options, weight.facts(wanted), compute);
  }

  /** {@return a new decoder, for the formula or from the scheme} */
  public TileDecoder decoder() {
    return scheme.decoderOf(new EncodedWeight(weight.rows(), scheme.id(), options, encoding()));
  }

  /** {@return the error bound that the scheme declares} */
  public ErrorBound bound() {
    return scheme.bound(weight.rows(), options);
  }

  /**
   * {@return a new tile of some rows; the caller closes it}
   *
   * @param firstRow the first row
   * @param height the number of rows
   */
  public MemoryTile tile(int firstRow, int height) {
    return MemoryTile.of(weight.rows(), firstRow, weight.values(firstRow, height));
  }

  /**
   * Quantizes some rows as a separate tile, which is closed afterwards.
   *
   * @param worker a worker of this case
   * @param firstRow the first row
   * @param height the number of rows
   * @return exactly what the worker returned
   */
  public EncodedTile quantize(TileQuantizer worker, int firstRow, int height) {
    try (MemoryTile tile = tile(firstRow, height)) {
      return worker.quantize(tile);
    }
  }

  /** {@return the whole weight, quantized as one tile, with the whole parts} */
  public EncodedTile quantize() {
    TileQuantizer worker = begin();
    return quantize(worker, 0, weight.height()).with(worker.tensorParts());
  }

  /**
   * Quantizes the weight tile by tile and concatenates the tiles.
   *
   * @param tileHeight rows of each tile except possibly the last; rounded up to the row alignment
   * @return the whole weight, with the whole parts
   */
  public EncodedTile quantizeInTiles(int tileHeight) {
    TileQuantizer worker = begin();
    Map<String, ByteArrayOutputStream> bytes = new LinkedHashMap<>();
    for (Span span : spans(tileHeight)) {
      EncodedTile tile = quantize(worker, span.firstRow(), span.height());
      for (String name : tile.names()) {
        bytes.computeIfAbsent(name, n -> new ByteArrayOutputStream()).writeBytes(tile.part(name));
      }
    }
    Map<String, byte[]> parts = new LinkedHashMap<>();
    bytes.forEach((name, stream) -> parts.put(name, stream.toByteArray()));
    return new EncodedTile(0, weight.height(), parts).with(worker.tensorParts());
  }

  /**
   * Decodes a tile.
   *
   * @param tile all parts of some rows
   * @return exactly its values, row-major
   */
  public float[] decode(EncodedTile tile) {
    float[] out = new float[tile.height() * weight.cols()];
    decoder().decode(tile, out);
    return out;
  }

  /**
   * Splits the weight into tiles.
   *
   * @param tileHeight rows of each tile except possibly the last; rounded up to the row alignment
   * @return the tiles from the first row on
   */
  public List<Span> spans(int tileHeight) {
    int alignment = encoding().rowAlignment();
    int step = Math.multiplyExact((tileHeight + alignment - 1) / alignment, alignment);
    List<Span> spans = new ArrayList<>();
    for (int row = 0; row < weight.height(); row += step) {
      spans.add(new Span(row, Math.min(step, weight.height() - row)));
    }
    return spans;
  }

  /**
   * Some consecutive rows.
   *
   * @param firstRow the first row
   * @param height the number of rows
   */
  public record Span(int firstRow, int height) {}

  @Override
  public String expression() {
    return compute == Compute.AUTO
        ? "new SchemeCase(%s, %s, %s)"
            .formatted(Repeatable.creation(scheme), weight, expression(options))
        : "new SchemeCase(%s, %s, %s, Compute.%s)"
            .formatted(Repeatable.creation(scheme), weight, expression(options), compute.name());
  }

  private static String expression(OptionValues options) {
    return options.texts().entrySet().stream()
        .map(
            e ->
                "Map.entry(%s, %s)"
                    .formatted(Repeatable.literal(e.getKey()), Repeatable.literal(e.getValue())))
        .collect(Collectors.joining(", ", "new OptionValues(Map.ofEntries(", "))"));
  }

  /** {@return the scheme, the weight and the options in one line} */
  @Override
  public String toString() {
    return "%s (%s) on %s with %s, compute %s"
        .formatted(scheme.id(), scheme.getClass().getName(), weight, options, compute.wire());
  }
}
