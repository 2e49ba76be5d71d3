package dev.monoquant.core.run;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import java.util.List;
import java.util.Map;

/**
 * An output of a {@link Pipeline}.
 *
 * @param source the model as the format of the output shows it
 * @param weights the weights to quantize
 * @param kept the tensors to copy
 * @param facts what the schemes need to know, by the name of the weight
 * @param policy how NaN and infinities are handled
 * @param sink the writer
 */
record Branch(
    ModelSource source,
    List<PlannedWeight> weights,
    List<TensorInfo> kept,
    Map<String, Facts> facts,
    NonFinitePolicy policy,
    OutputWriter sink) {}
