/**
 * The interfaces that plugins implement.
 *
 * <p>Data flows one way:
 *
 * <pre>
 * ModelInput -&gt; InputFormatDetector -&gt; ModelSource -&gt; layers -&gt; plan
 *   -&gt; (Tile -&gt; EncodedTile)* -&gt; OutputWriter -&gt; report
 * </pre>
 *
 * <ul>
 *   <li>{@link dev.monoquant.spi.InputFormatDetector} recognises and opens an input.
 *   <li>{@link dev.monoquant.spi.LayerQuantizer} selects the weight matrices of a layer.
 *   <li>{@link dev.monoquant.spi.Scheme} converts weights to codes and back.
 *   <li>{@link dev.monoquant.spi.OutputFormat} defines names, packing and files.
 * </ul>
 *
 * <p>A plugin is a public class with a public constructor without parameters, named in {@code
 * META-INF/services} (AutoService writes it) and, in a named module, in a {@code provides} clause:
 * on the module path the files under {@code META-INF/services} are ignored. Ids are lower case
 * letters, digits and dashes; ids without a slash belong to this project, third parties use {@code
 * vendor/name}. Plugins are stateless and thread-safe; state lives in the workers they return.
 */
@NullMarked
package dev.monoquant.spi;

import org.jspecify.annotations.NullMarked;
