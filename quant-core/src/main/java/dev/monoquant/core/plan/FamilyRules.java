package dev.monoquant.core.plan;

import dev.monoquant.Problem;
import dev.monoquant.core.text.Text;
import dev.monoquant.model.Family;
import dev.monoquant.spi.EncodedWeight;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Keeps families together: all layers of a family are quantized by the same scheme with the same
 * options, or all are left unquantized. A model has the same families in every block, so families
 * with the same fault are reported as one problem.
 */
public final class FamilyRules {

  private static final int MAX_NAMES = 3;

  /**
   * The decisions for the layers of a family: layer names by decision, in the order of the family.
   */
  private record Ways(Map<String, List<String>> quantized, Map<String, List<String>> kept) {
    boolean whole(boolean quantizedOnly) {
      return quantized.size() + (kept.isEmpty() ? 0 : 1) <= 1 && (kept.isEmpty() || !quantizedOnly);
    }

    /** Equal for families whose names differ only in numbers. */
    String signature() {
      return (quantized + "/" + kept).replaceAll("\\d+", "0");
    }

    @Override
    public String toString() {
      List<String> texts = new ArrayList<>();
      quantized.forEach((way, names) -> texts.add(Text.names(names, MAX_NAMES) + ": " + way));
      kept.forEach((why, names) -> texts.add(Text.names(names, MAX_NAMES) + ": in float, " + why));
      return String.join("; ", texts);
    }
  }

  private record Finding(Family first, Ways ways, int more) {
    Finding another() {
      return new Finding(first, ways, more + 1);
    }
  }

  private FamilyRules() {}

  /**
   * Finds the families whose layers are treated differently.
   *
   * @param families the families to keep together
   * @param weights the quantized weights
   * @param kept why a layer is left unquantized, by its name
   * @param allowPartial whether a partly quantized family is a warning instead of an error
   */
  public static List<Problem> problems(
      List<Family> families,
      List<EncodedWeight> weights,
      Map<String, String> kept,
      boolean allowPartial) {
    Map<String, String> quantizedBy = new HashMap<>();
    weights.forEach(w -> quantizedBy.put(w.matrix().layer(), Text.scheme(w)));
    Map<String, Finding> findings = new LinkedHashMap<>();
    Set<String> told = new HashSet<>();
    for (Family family : families) {
      if (told.containsAll(family.layers())) {
        continue; // Part of a larger family that is already reported, such as gate and up of an
        // expert.
      }
      Ways ways = new Ways(new LinkedHashMap<>(), new LinkedHashMap<>());
      for (String layer : family.layers()) {
        String way = quantizedBy.get(layer);
        if (way != null) {
          ways.quantized().computeIfAbsent(way, k -> new ArrayList<>()).add(layer);
        } else if (kept.containsKey(layer)) {
          ways.kept().computeIfAbsent(kept.get(layer), k -> new ArrayList<>()).add(layer);
        }
      }
      if (!weights.isEmpty() && !ways.whole(family.quantizedOnly())) {
        told.addAll(family.layers());
        findings.merge(
            ways.signature(), new Finding(family, ways, 0), (old, same) -> old.another());
      }
    }
    return findings.values().stream().map(f -> problem(f, allowPartial)).toList();
  }

  private static Problem problem(Finding finding, boolean allowPartial) {
    Family family = finding.first();
    Ways ways = finding.ways();
    String subject = "layers " + family.name();
    String like =
        finding.more() == 0
            ? ""
            : " (and "
                + finding.more()
                + (finding.more() == 1 ? " family" : " families")
                + " more like it)";
    if (ways.quantized().size() > 1) {
      return Problem.error(
          subject,
          "loaders make one weight of them, and they would be quantized in different ways: "
              + ways
              + like,
          "Let one rule select all of them, or write to a .safetensors file, whose layers are free");
    }
    String what =
        (ways.quantized().isEmpty()
                ? "loaders have no place for them in float in a quantized model: "
                : "loaders make one weight of them, and only some would be quantized: ")
            + ways
            + like;
    return allowPartial
        ? Problem.warning(
            subject, what, "Loaders that need all of them, such as vLLM or transformers, refuse it")
        : Problem.error(
            subject,
            what,
            (family.quantizedOnly()
                    ? "Quantize all of them"
                    : "Quantize or exclude all of them, for example by excluding "
                        + pattern(family))
                + "; or write it all the same with --allow-partial-families");
  }

  /** The pattern of a rule for the whole family, in this block and all others. */
  private static String pattern(Family family) {
    return family.layers().stream()
        .map(layer -> "*" + layer.substring(layer.lastIndexOf('.') + 1))
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
