package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Plan;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.Granularity;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers that loaders fuse are quantized alike or not at all, where an output has such loaders. */
class FamiliesTest {

  private static final String DIRECTORY = "out";

  private static MemoryModel.Builder llama() {
    MemoryModel.Builder model = MemoryModel.named("m");
    for (int layer = 0; layer < 3; layer++) {
      for (String name : List.of("q_proj", "k_proj", "v_proj", "o_proj")) {
        model.sines("model.layers." + layer + ".self_attn." + name + ".weight", 64, 64);
      }
      for (String name : List.of("gate_proj", "up_proj", "down_proj")) {
        model.sines("model.layers." + layer + ".mlp." + name + ".weight", 64, 64);
      }
    }
    return model;
  }

  private static MemoryModel.Builder mixture() {
    MemoryModel.Builder model = MemoryModel.named("m");
    for (int layer = 0; layer < 2; layer++) {
      String block = "model.layers." + layer + ".";
      model.sines(block + "self_attn.o_proj.weight", 64, 64);
      for (int expert = 0; expert < 2; expert++) {
        for (String name : List.of("gate_proj", "up_proj", "down_proj")) {
          model.sines(block + "mlp.experts." + expert + "." + name + ".weight", 64, 64);
        }
      }
    }
    return model;
  }

  private static QuantizationConfig.Builder int8() {
    return QuantizationConfig.builder().scheme("int8");
  }

  private static Rule int4(String pattern) {
    return Rule.adjust(
        pattern, WeightSettings.OPEN.withScheme("int4").withGranularity(Granularity.group(32)));
  }

  private static Plan plan(
      MemoryModel.Builder model, QuantizationConfig.Builder config, String target) {
    return Quantizer.create()
        .withPlugins(Plugins.load().with(new MemoryFormat(model.build())))
        .plan(ModelInput.of(Path.of("m")), config.build(), Optional.of(Path.of(target)));
  }

  private static List<Problem> about(Plan plan, Problem.Severity severity) {
    return plan.problems().stream()
        .filter(p -> p.severity() == severity && p.subject().startsWith("layers "))
        .toList();
  }

  @Test
  void aFamilyThatIsPartlyExcludedIsRefusedOnceForAllBlocks() {
    Plan plan = plan(llama(), int8().exclude("*k_proj").exclude("*.up_proj"), DIRECTORY);
    assertThat(about(plan, Problem.Severity.ERROR))
        .extracting(Problem::toString)
        .containsExactlyInAnyOrder(
            "layers model.layers.0.self_attn.(q_proj|k_proj|v_proj): loaders make one weight of"
                + " them, and only some would be quantized: model.layers.0.self_attn.q_proj,"
                + " model.layers.0.self_attn.v_proj: int8 channel;"
                + " model.layers.0.self_attn.k_proj: in float, excluded by the rule *k_proj (and 2"
                + " families more like it). Quantize or exclude all of them, for example by"
                + " excluding *q_proj, *k_proj, *v_proj; or write it all the same with"
                + " --allow-partial-families",
            "layers model.layers.0.mlp.(gate_proj|up_proj): loaders make one weight of them, and"
                + " only some would be quantized: model.layers.0.mlp.gate_proj: int8 channel;"
                + " model.layers.0.mlp.up_proj: in float, excluded by the rule *.up_proj (and 2"
                + " families more like it). Quantize or exclude all of them, for example by"
                + " excluding *gate_proj, *up_proj; or write it all the same with"
                + " --allow-partial-families");
  }

  @Test
  void partialFamiliesAreAWarningWhereTheyAreAllowed() {
    Plan plan = plan(llama(), int8().exclude("*k_proj").allowPartialFamilies(true), DIRECTORY);
    assertThat(plan.hasErrors()).isFalse();
    assertThat(about(plan, Problem.Severity.WARNING))
        .singleElement()
        .satisfies(w -> assertThat(w.message()).contains("k_proj: in float"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void twoSchemesInOneFamilyAreAlwaysRefused(boolean allow) {
    Plan plan =
        plan(
            llama(),
            int8().rule(int4("*.1.self_attn.v_proj")).allowPartialFamilies(allow),
            DIRECTORY);
    assertThat(about(plan, Problem.Severity.ERROR))
        .singleElement()
        .satisfies(
            p ->
                assertThat(p.toString())
                    .contains(
                        "model.layers.1.self_attn.(q_proj|k_proj|v_proj): loaders make one weight"
                            + " of them, and they would be quantized in different ways:"
                            + " model.layers.1.self_attn.q_proj, model.layers.1.self_attn.k_proj:"
                            + " int8 channel; model.layers.1.self_attn.v_proj: int4 group:32. Let"
                            + " one rule select all of them"));
  }

  @Test
  void wholeFamiliesMayStayInFloatOrHaveASchemeOfTheirOwn() {
    Plan plan =
        plan(
            llama(),
            int8()
                .exclude("*.0.self_attn.*")
                .rule(int4("*mlp.gate_proj"))
                .rule(int4("*mlp.up_proj")),
            DIRECTORY);
    assertThat(plan.problems())
        .filteredOn(p -> !p.message().contains("vLLM has no kernel"))
        .singleElement()
        .satisfies(
            p -> {
              assertThat(p.severity()).isEqualTo(Problem.Severity.NOTE);
              assertThat(p.message())
                  .startsWith("layers outside of experts are quantized in 2 ways");
            });
  }

  @Test
  void outputsWhoseLayersNobodyFusesAreFree() {
    Plan plan = plan(llama(), int8().exclude("*k_proj").rule(int4("*v_proj")), "out.safetensors");
    assertThat(plan.problems()).isEmpty();
  }

  @Test
  void allExpertsHaveOneScheme() {
    assertThat(
            about(
                plan(mixture(), int8().rule(int4("*.1.mlp.experts*")), DIRECTORY),
                Problem.Severity.ERROR))
        .singleElement()
        .satisfies(
            p ->
                assertThat(p.toString())
                    .contains(
                        "model.layers.*.mlp.experts.*: ", "in different ways", "and 3 more: int4"));
    assertThat(plan(mixture(), int8().rule(int4("*.mlp.experts*")), DIRECTORY).problems())
        .allMatch(p -> p.message().contains("vLLM has no kernel"));
  }

  @Test
  void expertsInFloatAreRefusedAlsoIfAllOfThemAre() {
    assertThat(
            about(
                plan(mixture(), int8().exclude("*.mlp.experts*"), DIRECTORY),
                Problem.Severity.ERROR))
        .singleElement()
        .satisfies(
            p ->
                assertThat(p.toString())
                    .contains("have no place for them in float", "Quantize all of them"));
    assertThat(
            about(
                plan(mixture(), int8().exclude("*.mlp.experts.1.*"), DIRECTORY),
                Problem.Severity.ERROR))
        .hasSize(1);
  }

  @Test
  void expertsWithZeroPointsAreNoted() {
    Plan plan = plan(mixture(), int8().symmetric(false), DIRECTORY);
    assertThat(plan.problems())
        .extracting(Problem::message)
        .anyMatch(m -> m.startsWith("experts have zero points: vLLM loads them"));
  }
}
