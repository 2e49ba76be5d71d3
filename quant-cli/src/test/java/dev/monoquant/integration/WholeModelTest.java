package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.PlanException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.Samples;
import dev.monoquant.testkit.data.ModelSample;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.watch.Watch;
import dev.monoquant.tile.Granularity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Whole models of any kind through all built-in plugins, each of them watched: no tensor is lost,
 * what is read back is what was reported, and nobody breaks the protocol.
 */
class WholeModelTest {

  /** A way to quantize. */
  record Way(String scheme, boolean symmetric, Granularity granularity, String output) {}

  @Provide
  Arbitrary<Way> ways() {
    return Combinators.combine(
            Arbitraries.of("int8", "int4", "int3", "float16", "bfloat16"),
            Arbitraries.of(true, false),
            Arbitraries.of(Granularity.TENSOR, Granularity.CHANNEL, Granularity.group(2)),
            Arbitraries.of("out.safetensors", "out"))
        .as(Way::new);
  }

  @Provide
  Arbitrary<ModelSample> models() {
    return Samples.models(6);
  }

  @Property(tries = 150)
  void goThroughAndComeBack(@ForAll("models") ModelSample sample, @ForAll("ways") Way way)
      throws IOException {
    Path folder = Files.createTempDirectory("whole");
    try {
      MemoryModel model = sample.model();
      Watch watch = new Watch();
      Quantizer quantizer =
          Quantizer.create().withPlugins(watched(watch, model)).withThreads(2).withSync(false);
      QuantizationConfig config = config(way);
      Path target = folder.resolve(way.output());
      if (quantizer.plan(model.input(), config, Optional.of(target)).hasErrors()) {
        // No layer that can be quantized: that is said, and nothing is written.
        assertThat(target).doesNotExist();
        return;
      }
      Report report;
      try {
        report = quantizer.quantize(model.input(), config, target, false);
      } catch (PlanException nothing) {
        // What a plan cannot know: no weight has numbers that the scheme can take.
        assertThat(nothing).hasMessageContaining("no weight would be quantized");
        assertThat(target).doesNotExist();
        return;
      }

      List<String> names = new ArrayList<>();
      report.weights().stream().map(WeightReport::name).forEach(names::add);
      report.plan().kept().stream()
          .map(UnquantizedTensor::tensor)
          .map(TensorInfo::name)
          .forEach(names::add);
      assertThat(names)
          .containsExactlyInAnyOrderElementsOf(
              model.tensors().stream().map(TensorInfo::name).toList());
      assertThat(quantizer.verify(target, Optional.of(model.input())).differences()).isEmpty();
      var compared = quantizer.compare(model.input(), ModelInput.of(target));
      assertThat(compared.onlyInA()).isEmpty();
      assertThat(compared.onlyInB()).isEmpty();
      // The same sum in another order. Either adds 16 squares at a time in float, which may err by
      // 17 units of 2^-24, so that the two may differ by 2.1e-6 of the sum.
      assertThat(compared.total().noise())
          .isCloseTo(report.total().noise(), withPercentage(2.1e-4));
      watch.requireQuiet();
      assertThat(model.openSources()).isZero();
    } finally {
      delete(folder);
    }
  }

  private static QuantizationConfig config(Way way) {
    QuantizationConfig.Builder config =
        QuantizationConfig.builder()
            .scheme(way.scheme())
            .raggedGroups(RaggedGroupPolicy.CHANNEL)
            // Numbers at the end of a type's range have no finite scale in it.
            .nonFinite(NonFinitePolicy.KEEP)
            .format(way.output().equals("out") ? "compressed-tensors" : "safetensors");
    if (way.scheme().startsWith("int")) {
      config.symmetric(way.symmetric()).granularity(way.granularity());
    }
    return config.build();
  }

  private static Plugins watched(Watch watch, MemoryModel model) {
    List<Object> all = new ArrayList<>(List.of(watch.input(new MemoryFormat(model))));
    for (PluginEntry<?> entry : Plugins.load().entries()) {
      Object plugin = entry.plugin();
      all.add(
          plugin instanceof Scheme scheme
              ? watch.scheme(scheme)
              : plugin instanceof OutputFormat output
                  ? watch.output(output)
                  : plugin instanceof InputFormatDetector input ? watch.input(input) : plugin);
    }
    return Plugins.of(all.toArray());
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
