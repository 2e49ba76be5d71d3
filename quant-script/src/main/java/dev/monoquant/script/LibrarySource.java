package dev.monoquant.script;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The source of the holders of a program, which contains what they can do and nothing else. Its
 * first line says what that is. A scheme that provides its own decoder gets a source in which this
 * decoder is the function {@code scheme}.
 *
 * @param kernels the kernels that holders call
 * @param decoder the source of its function {@code scheme}; empty if {@code scheme} is never called
 * @param abilities what holders can do
 */
record LibrarySource(Kernels kernels, Optional<String> decoder, Set<Ability> abilities) {

  private static final String HEADER = "# Holders of weights: ";
  private static final String SCHEME = Library.load("scheme.py");
  private static final String FUNCTIONS = Library.load("decoding.py");

  /** Copies the abilities. */
  LibrarySource {
    Set<Ability> copy = EnumSet.noneOf(Ability.class);
    copy.addAll(abilities);
    abilities = Collections.unmodifiableSet(copy);
  }

  /** {@return the source for some holders, all of the same kernels and decoder} */
  static LibrarySource of(
      Kernels kernels, Optional<String> decoder, boolean shares, Collection<Holder> holders) {
    Set<Ability> abilities = EnumSet.noneOf(Ability.class);
    if (shares) {
      abilities.add(Ability.SHARE);
    }
    for (Holder holder : holders) {
      abilities.add(Ability.of(holder.mode()));
      abilities.addAll(abilities(holder));
    }
    return new LibrarySource(kernels, decoder, abilities);
  }

  private static Set<Ability> abilities(Holder holder) {
    Set<Ability> abilities = EnumSet.noneOf(Ability.class);
    Plan plan = holder.plan();
    if (plan.product()) {
      abilities.add(Ability.LINEAR);
    }
    if (plan.window().isPresent()) {
      abilities.add(Ability.CONV);
    }
    if (plan.embedding()) {
      abilities.add(Ability.EMBED);
    }
    if (holder.mode() != Mode.WEIGHT_ONLY) {
      abilities.add(Ability.INT8);
    }
    if (holder.takes() || holder.given().isPresent()) {
      abilities.add(Ability.CHAIN);
    }
    return abilities;
  }

  /**
   * Reads what holders of a written source can do.
   *
   * @param name the name of the library, such as {@code monoquant}
   * @param text its source
   * @return its parts; empty if this version would write another source
   */
  static Optional<LibrarySource> read(String name, String text) {
    int end = text.indexOf('\n');
    if (end < 0 || !text.startsWith(HEADER)) {
      return Optional.empty();
    }
    List<String> words = Arrays.asList(text.substring(HEADER.length(), end).split(" "));
    Set<Ability> abilities =
        Arrays.stream(Ability.values())
            .filter(a -> words.contains(a.wire()))
            .collect(Collectors.toSet());
    int functions = text.indexOf(FUNCTIONS.substring(0, FUNCTIONS.indexOf('\n')));
    String scheme = functions < 0 ? SCHEME : text.substring(end + 1, functions);
    Optional<String> decoder = Optional.of(scheme).filter(s -> !s.equals(SCHEME));
    return Arrays.stream(Kernels.values())
        .filter(k -> words.get(0).equals(k.wire()))
        .map(k -> new LibrarySource(k, decoder, abilities))
        .filter(source -> source.text(name).equals(text))
        .findFirst();
  }

  /** {@return the source of holders that measure themselves, see {@link TimedProgram}} */
  LibrarySource timed() {
    Set<Ability> more = EnumSet.of(Ability.TIMED, Ability.WEIGHT_ONLY);
    more.addAll(abilities);
    if (abilities.contains(Ability.INT8)) {
      more.add(Ability.DYNAMIC);
    }
    return new LibrarySource(kernels, decoder, more);
  }

  /**
   * {@return the source}
   *
   * @param name the name of the library, such as {@code monoquant}
   */
  String text(String name) {
    List<String> words = new ArrayList<>(List.of(kernels.wire()));
    abilities.forEach(a -> words.add(a.wire()));
    StringBuilder text = new StringBuilder(HEADER).append(String.join(" ", words)).append('\n');
    text.append(decoder.orElse(SCHEME)).append(FUNCTIONS).append(Library.load("holders.py"));
    add(Ability.TIMED, "timed.py", text);
    add(Ability.LINEAR, "products.py", text);
    add(Ability.EMBED, "tables.py", text);
    add(Ability.CONV, "convolutions.py", text);
    add(Ability.CHAIN, "chained.py", text);
    if (abilities.contains(Ability.LINEAR)) {
      add(Ability.SHARE, "shared.py", text);
    }
    text.append(Library.load(kernels.wire() + ".py"));
    add(Ability.CHAIN, "normed.py", text);
    add(Ability.SHARE, "shared_" + kernels.wire() + ".py", text);
    String kept = Conditions.apply(text.toString(), abilities);
    return Library.renamed(kernels.typed(kept), name);
  }

  private void add(Ability ability, String resource, StringBuilder text) {
    if (abilities.contains(ability)) {
      text.append(Library.load(resource));
    }
  }
}
