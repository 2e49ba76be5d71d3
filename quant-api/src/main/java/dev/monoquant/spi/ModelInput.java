package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import java.nio.file.Path;
import java.util.Map;

/**
 * The input model: a file or directory, or a live DJL object.
 *
 * <p>The caller owns live objects: the framework does not write to them, does not close them, and
 * drops its references when the source is closed.
 */
public sealed interface ModelInput {

  /**
   * A file or a directory.
   *
   * @param path where it is
   * @param choices how to read a file with several possible contents
   */
  record OfPath(Path path, ReadChoices choices) implements ModelInput {
    /** Checks that the path is not null; does not check that the file exists. */
    public OfPath {
      requireNonNull(path, "path");
      requireNonNull(choices, "choices");
    }

    /**
     * Makes an input with default choices.
     *
     * @param path where it is
     */
    public OfPath(Path path) {
      this(path, ReadChoices.DEFAULT);
    }

    @Override
    public String describe() {
      return path.toString();
    }
  }

  /**
   * A DJL model, with its block and name.
   *
   * @param model the model
   */
  record OfModel(Model model) implements ModelInput {
    /** Checks the model. */
    public OfModel {
      requireNonNull(model, "model");
    }

    @Override
    public String describe() {
      return "model " + model.getName();
    }
  }

  /**
   * A DJL block, built in Java or loaded from TorchScript.
   *
   * @param block the block, with its parameters initialised
   */
  record OfBlock(Block block) implements ModelInput {
    /** Checks the block. */
    public OfBlock {
      requireNonNull(block, "block");
    }

    @Override
    public String describe() {
      return "block " + block.getClass().getSimpleName();
    }
  }

  /**
   * A list of arrays with unique names.
   *
   * @param list the arrays
   */
  record OfList(NDList list) implements ModelInput {
    /** Checks the list. */
    public OfList {
      requireNonNull(list, "list");
    }

    @Override
    public String describe() {
      return "list of " + list.size() + " arrays";
    }
  }

  /**
   * A state dict. The map is read when the input is opened; later changes have no effect.
   *
   * @param tensors arrays by their full names
   */
  record OfMap(Map<String, NDArray> tensors) implements ModelInput {
    /** Checks the map. */
    public OfMap {
      requireNonNull(tensors, "tensors");
    }

    @Override
    public String describe() {
      return "map of " + tensors.size() + " arrays";
    }
  }

  /** {@return a short text for messages: the path as given, or the kind of object} */
  String describe();

  /**
   * {@return an input}
   *
   * @param path a file or directory
   */
  static ModelInput of(Path path) {
    return new OfPath(path);
  }

  /**
   * {@return an input}
   *
   * @param path a file or directory
   * @param choices how to read a file with several possible contents
   */
  static ModelInput of(Path path, ReadChoices choices) {
    return new OfPath(path, choices);
  }

  /**
   * {@return an input}
   *
   * @param model a DJL model
   */
  static ModelInput of(Model model) {
    return new OfModel(model);
  }

  /**
   * {@return an input}
   *
   * @param block a DJL block
   */
  static ModelInput of(Block block) {
    return new OfBlock(block);
  }

  /**
   * {@return an input}
   *
   * @param list named arrays
   */
  static ModelInput of(NDList list) {
    return new OfList(list);
  }

  /**
   * {@return an input}
   *
   * @param tensors a state dict
   */
  static ModelInput of(Map<String, NDArray> tensors) {
    return new OfMap(tensors);
  }
}
