package dev.monoquant.core;

import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.model.TensorInfo;
import java.util.List;
import java.util.Optional;

/** Two models side by side as plain text: what differs, then what only one of them has. */
final class ComparisonTable {

  private static final int MAX_NAMES = 20;

  private ComparisonTable() {}

  static String of(Comparison comparison) {
    StringBuilder out = new StringBuilder();
    out.append(
        Text.format("A is %s\nB is %s\n", Text.name(comparison.a()), Text.name(comparison.b())));
    foreign("A", comparison.foreignInA(), out);
    foreign("B", comparison.foreignInB(), out);
    out.append('\n');
    List<ComparedTensor> differing = comparison.tensors().stream().filter(t -> !t.equal()).toList();
    if (!differing.isEmpty()) {
      TextTable table =
          new TextTable("tensor", "in A", "in B", "shape", ">SQNR dB", ">max error", ">cosine");
      for (ComparedTensor t : differing) {
        boolean floats = t.errors().elements() > 0;
        table.row(
            Text.name(t.name()),
            t.typeA().wire(),
            t.typeB().wire(),
            Text.shape(t.shape()),
            Text.decibels(t.errors().sqnrDb()),
            floats ? Text.error(t.errors().maxError()) : "-",
            Text.cosine(t.errors().cosine()));
      }
      table.appendTo(out);
      out.append('\n');
    }
    out.append(
        Text.format(
            "%s in common: %d equal, %d different\n",
            Text.count(comparison.tensors().size(), "tensor"),
            comparison.tensors().size() - differing.size(),
            differing.size()));
    if (!differing.isEmpty()) {
      ErrorStatistics total = comparison.total();
      out.append(
          Text.format(
              "error of all tensors in common: SQNR %s dB, cosine %s, max error %s\n",
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
    list("only in A", comparison.onlyInA(), out);
    list("only in B", comparison.onlyInB(), out);
    list("of different shapes", comparison.mismatched(), out);
    if (comparison.identical()) {
      out.append("the models are the same\n");
    }
    return out.toString();
  }

  private static void foreign(
      String which, Optional<ForeignQuantization> foreign, StringBuilder out) {
    foreign.ifPresent(
        f ->
            out.append("note: ")
                .append(which)
                .append(" is quantized ")
                .append(f)
                .append("; its codes are compared as they are stored\n"));
  }

  private static void list(String title, List<TensorInfo> tensors, StringBuilder out) {
    if (!tensors.isEmpty()) {
      out.append(
          Text.format(
              "%s: %s: %s\n",
              title,
              Text.count(tensors.size(), "tensor"),
              Text.names(tensors.stream().map(TensorInfo::name).toList(), MAX_NAMES)));
    }
  }
}
