package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Family;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The description of a model, without its data.
 *
 * <p>A source that wraps another one takes its description and changes single fields: {@code
 * inner.info().withTensors(floats).withQuantized(List.of())}.
 *
 * @param name the input for messages, as the user named it
 * @param tensors the plain tensors in the order of the model, with unique names, without the
 *     tensors that store a quantized weight
 * @param layers the layers that the model declares (for example a live block), for any part of the
 *     tensors; other layers are inferred. Empty for a bare state dict
 * @param quantized the weights that are stored quantized, in the order of the model; empty for a
 *     float model
 * @param ties tied weights: maps every name of a group but the first to the first name. Only
 *     tensors that share the same memory are tied, not tensors with equal values. In a model that
 *     runs, tied weights are quantized in the same way unless the configuration differs
 * @param families layers that must all be quantized in the same way or left unquantized, because
 *     loaders merge their weights; empty unless the output format declares some, see {@link
 *     OutputFormat#view}
 * @param metadata free text that came with the model, such as the {@code __metadata__} of
 *     safetensors
 * @param notes decisions and omissions of the reader for the user, one line each: for example which
 *     entry of a nested checkpoint was read, which tensors share memory
 * @param sideFiles files of a model directory to copy to the output
 * @param leftOut files of a model directory that no output gets, with reasons
 * @param files every file that is read, so that no output replaces one; empty for live objects
 */
public record ModelInfo(
    String name,
    List<TensorInfo> tensors,
    List<Layer> layers,
    List<EncodedWeight> quantized,
    Map<String, String> ties,
    List<Family> families,
    Map<String, String> metadata,
    List<String> notes,
    List<SideFile> sideFiles,
    List<BesideFile> leftOut,
    List<Path> files) {

  /** Copies the collections, keeping their order. */
  public ModelInfo {
    requireNonNull(name, "name");
    tensors = List.copyOf(tensors);
    layers = List.copyOf(layers);
    quantized = List.copyOf(quantized);
    ties = Collections.unmodifiableMap(new LinkedHashMap<>(ties));
    families = List.copyOf(families);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    notes = List.copyOf(notes);
    sideFiles = List.copyOf(sideFiles);
    leftOut = List.copyOf(leftOut);
    files = List.copyOf(files);
  }

  /**
   * Describes a float model without layers, metadata or files.
   *
   * @param name the input for messages, as the user named it
   * @param tensors its tensors in order
   */
  public static ModelInfo of(String name, List<TensorInfo> tensors) {
    return new ModelInfo(
        name, tensors, List.of(), List.of(), Map.of(), List.of(), Map.of(), List.of(), List.of(),
        List.of(), List.of());
  }

  /**
   * {@return this description with another value of {@link #tensors()}}
   *
   * @param tensors the new value
   */
  public ModelInfo withTensors(List<TensorInfo> tensors) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #layers()}}
   *
   * @param layers the new value
   */
  public ModelInfo withLayers(List<Layer> layers) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #quantized()}}
   *
   * @param quantized the new value
   */
  public ModelInfo withQuantized(List<EncodedWeight> quantized) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #ties()}}
   *
   * @param ties the new value
   */
  public ModelInfo withTies(Map<String, String> ties) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #families()}}
   *
   * @param families the new value
   */
  public ModelInfo withFamilies(List<Family> families) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #metadata()}}
   *
   * @param metadata the new value
   */
  public ModelInfo withMetadata(Map<String, String> metadata) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #notes()}}
   *
   * @param notes the new value
   */
  public ModelInfo withNotes(List<String> notes) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #sideFiles()}}
   *
   * @param sideFiles the new value
   */
  public ModelInfo withSideFiles(List<SideFile> sideFiles) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #leftOut()}}
   *
   * @param leftOut the new value
   */
  public ModelInfo withLeftOut(List<BesideFile> leftOut) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }

  /**
   * {@return this description with another value of {@link #files()}}
   *
   * @param files the new value
   */
  public ModelInfo withFiles(List<Path> files) {
    return new ModelInfo(
        name, tensors, layers, quantized, ties, families, metadata, notes, sideFiles, leftOut,
        files);
  }
}
