package dev.monoquant.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tensors that are stored as they are, counted by reason. */
final class KeptTable {

  private static final int MAX_REASONS = 20;
  private static final int MAX_NAMES = 4;

  private KeptTable() {}

  static void appendTo(StringBuilder out, List<KeptTensor> kept) {
    if (kept.isEmpty()) {
      return;
    }
    long bytes = kept.stream().mapToLong(k -> k.tensor().bytes()).sum();
    out.append(
        "kept as they are: " + Text.count(kept.size(), "tensor") + ", " + Text.bytes(bytes) + "\n");
    Map<String, List<String>> byReason = new LinkedHashMap<>();
    for (KeptTensor k : kept) {
      byReason
          .computeIfAbsent(k.why().wire() + ": " + k.reason(), r -> new ArrayList<>())
          .add(k.tensor().name());
    }
    byReason.entrySet().stream()
        .limit(MAX_REASONS)
        .forEach(
            e ->
                out.append(
                    Text.format(
                        "  %d %s: %s\n",
                        e.getValue().size(),
                        Text.line(e.getKey()),
                        Text.names(e.getValue(), MAX_NAMES))));
    long unsaid = byReason.values().stream().skip(MAX_REASONS).mapToLong(List::size).sum();
    if (unsaid > 0) {
      out.append(
          Text.format(
              "  %d more for %s; the JSON form has all\n",
              unsaid, Text.count(byReason.size() - MAX_REASONS, "other reason")));
    }
  }
}
