package dev.monoquant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.tile.Granularity;
import org.junit.jupiter.api.Test;

class QuantizationConfigTest {

  @Test
  void whatIsLaidOverWinsOverTheRulesBelowFieldByField() {
    WeightSettings settings = WeightSettings.OPEN.withBits(4).withGranularity(Granularity.CHANNEL);
    QuantizationConfig recipe =
        QuantizationConfig.builder()
            .rule(Rule.adjust("Linear", settings))
            .exclude("lm_head")
            .build();
    QuantizationConfig arguments =
        QuantizationConfig.builder().granularity(Granularity.TENSOR).build();
    assertThat(recipe.overrideWith(arguments).rules())
        .containsExactly(
            Rule.adjust("Linear", settings.withGranularity(Granularity.TENSOR)),
            Rule.exclude("lm_head"));
    assertThat(arguments.overrideWith(recipe).rules()).isEqualTo(recipe.rules());
  }
}
