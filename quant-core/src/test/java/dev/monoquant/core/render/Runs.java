package dev.monoquant.core.render;

import dev.monoquant.Problem;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Runs to report. */
final class Runs {

  private Runs() {}

  static WeightReport weight(String name, double noise) {
    TensorInfo tensor = new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(4, 1000));
    PlannedWeight planned =
        new PlannedWeight(
            new EncodedWeight(
                new WeightMatrix("layer", LayerKind.LINEAR, "weight", tensor, 0),
                new SchemeId("int8", 1),
                OptionValues.of(8, true, Granularity.CHANNEL),
                Encoding.affine(
                    Part.perElement(Part.CODES, ElementType.INT8),
                    Part.perRow(Part.SCALE, ElementType.FLOAT32))),
            Layer.Evidence.INFERRED,
            "linear",
            "");
    return new WeightReport(
        planned,
        new ErrorStatistics(4000, 1000, noise, 1000 - noise, 1000, 0.01),
        0.02,
        OptionalDouble.empty());
  }

  static UnquantizedTensor kept(String name, String reason) {
    return new UnquantizedTensor(
        new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(4)),
        "layer",
        LayerKind.LINEAR,
        UnquantizedTensor.Why.NOT_A_WEIGHT,
        reason);
  }

  static Report report(
      List<WeightReport> weights, List<UnquantizedTensor> kept, List<GateResult> gates) {
    Plan plan =
        new Plan(
            "model.safetensors",
            "safetensors",
            "safetensors",
            List.of(),
            weights.stream().map(WeightReport::planned).toList(),
            kept,
            Optional.empty(),
            List.of(),
            Optional.empty());
    return new Report(plan, weights, List.of()).withGates(gates);
  }

  static RunReport of(String input, Report... reports) {
    List<Reports.Entry> entries = new ArrayList<>();
    List<RunReport.Target> targets = new ArrayList<>();
    for (int i = 0; i < reports.length; i++) {
      Path target = Path.of("out-" + i + ".safetensors");
      entries.add(new Reports.Entry(target, reports[i], 0));
      targets.add(new RunReport.Target(target, Map.of("scheme", "int8"), List.of()));
    }
    return new RunReport(
        "monoquant 1",
        input,
        List.of(new RunReport.ListedFile("model.safetensors", 16000, Optional.empty())),
        targets,
        Optional.of(new Reports(entries)),
        List.of(),
        Optional.of(Duration.ofMillis(1500)));
  }

  static RunReport failed(String input, Problem... problems) {
    return new RunReport(
        "monoquant 1",
        input,
        List.of(),
        List.of(),
        Optional.empty(),
        List.of(problems),
        Optional.empty());
  }
}
