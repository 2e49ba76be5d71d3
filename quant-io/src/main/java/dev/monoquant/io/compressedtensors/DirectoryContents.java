package dev.monoquant.io.compressedtensors;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputContents;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The contents of a directory, with the names that loaders have for their modules. Immutable. */
final class DirectoryContents {

  private static final String WRAPPED = ModulePatterns.REGEX + "(?:";

  private final OutputContents contents;
  private final Set<String> heads;
  private final LoaderNames names;

  DirectoryContents(OutputContents contents, Set<String> heads, LoaderNames names) {
    this.contents = contents;
    this.heads = Set.copyOf(heads);
    this.names = names;
  }

  /** {@return the contents of the output} */
  OutputContents contents() {
    return contents;
  }

  /** {@return the quantized weights} */
  List<EncodedWeight> weights() {
    return contents.weights();
  }

  /** {@return the modules of the quantized weights, by their names in the file} */
  List<String> packed() {
    return contents.weights().stream().map(w -> w.matrix().layer()).toList();
  }

  /**
   * {@return the modules with a matrix in float that a loader could take for a quantized Linear, by
   * their names in the file; tied heads, which no file holds, and modules that hold experts are
   * among them}
   */
  List<String> floats() {
    Set<String> modules = new LinkedHashSet<>();
    contents.kept().forEach(tensor -> MatrixModule.of(tensor).ifPresent(modules::add));
    modules.addAll(heads.stream().sorted().toList());
    contents.kept().stream()
        .flatMap(tensor -> JoinedExperts.mixture(tensor).stream())
        .forEach(modules::add);
    List.copyOf(modules).stream()
        .flatMap(module -> FusedLayers.mixture(module).stream())
        .forEach(modules::add);
    packed().forEach(modules::remove);
    packed().stream().flatMap(m -> FusedLayers.mixture(m).stream()).forEach(modules::remove);
    return List.copyOf(modules);
  }

  /** {@return whether the head of a language model is quantized} */
  boolean hasPackedHead() {
    return packed().stream().anyMatch(TiedHeads::isHead);
  }

  /**
   * {@return the names of modules in the file and in loaders, then regular expressions, matched
   * from the start of a name, for the names that wrapped language models have in loaders}
   *
   * @param modules names of modules in the file, none of them quantized
   */
  List<String> named(Collection<String> modules) {
    return selecting(modules).stream()
        .filter(e -> !e.startsWith(ModulePatterns.REGEX) || e.startsWith(WRAPPED))
        .map(DirectoryContents::bare)
        .toList();
  }

  /**
   * {@return regular expressions, matched from the start of a name, that select the modules with
   * any prefix and under the names that loaders have, and no quantized module}
   *
   * @param modules names of modules in the file, none of them quantized
   */
  List<String> regexes(Collection<String> modules) {
    return selecting(modules).stream()
        .filter(e -> e.startsWith(ModulePatterns.REGEX))
        .map(DirectoryContents::bare)
        .toList();
  }

  private List<String> selecting(Collection<String> modules) {
    return names.selecting(modules, packed());
  }

  private static String bare(String entry) {
    return entry.startsWith(ModulePatterns.REGEX)
        ? entry.substring(ModulePatterns.REGEX.length())
        : entry;
  }

  Set<String> heads() {
    return heads;
  }

  LoaderNames names() {
    return names;
  }
}
