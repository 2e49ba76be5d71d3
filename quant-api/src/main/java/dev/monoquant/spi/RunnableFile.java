package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * A file that the engine loads and runs: the code of a model with its weights.
 *
 * @param place gives the file, and may make it at the first call; if a source returned it, it
 *     exists until that source is closed
 * @param methods its methods, {@code forward} first and the inner ones last; empty if they are
 *     unknown
 * @param check looks at the code; asked before the file is run
 */
public record RunnableFile(Supplier<Path> place, List<Method> methods, Check check) {

  /**
   * A method of the model.
   *
   * @param name its name
   * @param parameters its parameters in order, without the module
   * @param inner whether another method of the model calls it
   */
  public record Method(String name, List<Parameter> parameters, boolean inner) {

    /** Copies the list. */
    public Method {
      requireNonNull(name, "name");
      parameters = List.copyOf(parameters);
    }
  }

  /**
   * A parameter of a method.
   *
   * @param name its name
   * @param type its type in TorchScript, such as {@code Tensor} or {@code List[int]}
   * @param optional whether it has a default value
   */
  public record Parameter(String name, String type, boolean optional) {

    /** Checks that nothing is null. */
    public Parameter {
      requireNonNull(name, "name");
      requireNonNull(type, "type");
    }
  }

  /** Tells whether code is known to do nothing but compute. */
  @FunctionalInterface
  public interface Check {

    /**
     * Looks at all code of the file, and runs none of it.
     *
     * @return what is not known to compute, such as an operator that writes files, each with its
     *     place in the file, without a final period; empty if there is none
     */
    List<String> findings();
  }

  /** Copies the list. */
  public RunnableFile {
    requireNonNull(place, "place");
    requireNonNull(check, "check");
    methods = List.copyOf(methods);
  }

  /** {@return the file} */
  public Path file() {
    return place.get();
  }
}
