package dev.monoquant.script;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** The list of operators that compute, {@code operators.txt}. */
final class OperatorList {

  private static final String RESOURCE = "operators.txt";
  private static final Map<String, Set<String>> SECTIONS = load();

  private OperatorList() {}

  private static Map<String, Set<String>> load() {
    Map<String, Set<String>> sections = new HashMap<>();
    try (InputStream in = OperatorList.class.getResourceAsStream(RESOURCE)) {
      byte[] bytes = Objects.requireNonNull(in, RESOURCE).readAllBytes();
      Set<String> section = new HashSet<>();
      for (String line : new String(bytes, StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("  ")) {
          section.addAll(Set.of(line.strip().split(" ")));
        } else if (!line.startsWith("#")) {
          section = sections.computeIfAbsent(line, s -> new HashSet<>());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return sections;
  }

  private static Set<String> section(String name) {
    return SECTIONS.getOrDefault(name, Set.of());
  }

  /**
   * {@return whether an operator only computes}
   *
   * @param namespace such as {@code aten} or {@code quantized}
   * @param name its name in the namespace
   */
  static boolean computes(String namespace, String name) {
    return !isOwnSection(namespace) && section(namespace).contains(name);
  }

  private static boolean isOwnSection(String name) {
    return name.equals("attributes") || name.equals("classes") || name.equals("refused");
  }

  /** {@return whether a member of that name only computes, for any value} */
  static boolean memberComputes(String name) {
    return computes("aten", name) || computes("prim", name) || section("attributes").contains(name);
  }

  /** {@return whether a member of that name is an operator that is not on the list} */
  static boolean memberIsRefused(String name) {
    return section("refused").contains(name);
  }

  /**
   * {@return whether objects of a class of the engine may be created}
   *
   * @param name its name after {@code __torch__.torch.classes.}
   */
  static boolean knowsClass(String name) {
    return section("classes").contains(name);
  }
}
