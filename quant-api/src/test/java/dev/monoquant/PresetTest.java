package dev.monoquant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.NumberType;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.tile.Granularity;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Presets against the table of compressed-tensors (PRESET_SCHEMES of 0.20.1), written out. */
class PresetTest {

  /** Name, scheme, symmetric, granularity, activations. */
  @ParameterizedTest
  @CsvSource({
    "W4A16_ASYM, int4, false, group:128,",
    "W8A8, int8, true, channel, int8 token",
    "INT8, int8, true, channel, int8 token",
    "W4AFP8, int4, true, group:128, float8 token",
    "FP8, fp8,, tensor, float8 tensor static",
    "FP8_DYNAMIC, fp8,, channel, float8 token",
    "FP8_BLOCK, fp8,, block:128x128, float8 group:128",
    "NVFP4A16, nvfp4,,,",
    "NVFP4, nvfp4,,, float4 tensor_group:16 local",
    "MXFP4A16, mxfp4,,,",
    "MXFP4, mxfp4,,, float4 group:32",
    "MXFP8A16, mxfp8,,,",
    "MXFP8, mxfp8,,, float8 group:32",
    "W2A4, int2, true, group:128, int4 token",
    "W2A8, int2, true, group:128, int8 token",
    "W2A16, int2, true, group:128,",
    "W3A4, int3, true, group:128, int4 token",
    "W3A8, int3, true, group:128, int8 token",
    "W3A16, int3, true, group:128,",
    "W4A4, int4, true, group:128, int4 token",
    "W4A8, int4, true, group:128, int8 token",
    "W4A16, int4, true, group:128,",
    "W5A8, int5, true, group:128, int8 token",
    "W5A16, int5, true, group:128,",
    "W6A8, int6, true, group:128, int8 token",
    "W6A16, int6, true, group:128,",
    "W7A8, int7, true, group:128, int8 token",
    "W7A16, int7, true, group:128,",
    "W8A16, int8, true, group:128,",
  })
  void aPresetStandsForTheSettingsOfItsName(
      String name, String scheme, Boolean symmetric, String granularity, String activations) {
    WeightSettings settings = WeightSettings.OPEN.withScheme(name);
    assertThat(settings.scheme()).contains(name);
    WeightSettings resolved = settings.resolved();
    assertThat(resolved.scheme()).contains(scheme);
    assertThat(resolved.symmetric()).isEqualTo(Optional.ofNullable(symmetric));
    assertThat(resolved.granularity())
        .isEqualTo(Optional.ofNullable(granularity).map(Granularity::parse));
    assertThat(resolved.activations().map(ActivationQuantization::toString))
        .isEqualTo(Optional.ofNullable(activations));
    assertThat(resolved.resolved()).isEqualTo(resolved);
  }

  @Test
  void thereAreThirty() {
    assertThat(Preset.values()).hasSize(30);
  }

  @ParameterizedTest
  @ValueSource(strings = {"int8", "fp8", "nvfp4", "mxfp4", "mxfp8"})
  void aNameInLowerCaseIsTheSchemeIfThereIsOne(String id) {
    assertThat(Preset.find(id)).isEmpty();
    assertThat(Preset.find(id.toUpperCase(Locale.ROOT))).isPresent();
    assertThat(WeightSettings.OPEN.withScheme(id).resolved())
        .isEqualTo(WeightSettings.OPEN.withScheme(id));
  }

  @ParameterizedTest
  @EnumSource(Preset.class)
  void everyNameIsKnownInOtherCases(Preset preset) {
    String mixed = preset.name().charAt(0) + preset.name().substring(1).toLowerCase(Locale.ROOT);
    assertThat(Preset.find(mixed)).contains(preset);
  }

  @Test
  void fieldsThatAreSetWinOverThePreset() {
    WeightSettings settings =
        WeightSettings.OPEN.withScheme("w4a16").withGranularity(Granularity.group(32));
    assertThat(settings.resolved().granularity()).contains(Granularity.group(32));
    assertThat(settings.resolved().symmetric()).contains(true);
  }

  @Test
  void aPresetReplacesWhatWasSetBefore() {
    WeightSettings before =
        WeightSettings.OPEN
            .withScheme("int8")
            .withSymmetric(false)
            .withGranularity(Granularity.CHANNEL)
            .withActivations(ActivationQuantization.perToken(8, NumberType.INT))
            .withProfile("compressed-tensors");
    WeightSettings preset = WeightSettings.OPEN.withScheme("NVFP4A16");
    assertThat(before.overrideWith(preset)).isEqualTo(preset.withProfile("compressed-tensors"));
    // A plain scheme keeps symmetry and granularity, but activations were chosen with the other.
    assertThat(before.overrideWith(WeightSettings.OPEN.withScheme("int4")))
        .isEqualTo(
            WeightSettings.OPEN
                .withScheme("int4")
                .withSymmetric(false)
                .withGranularity(Granularity.CHANNEL)
                .withProfile("compressed-tensors"));
    assertThat(preset.overrideWith(WeightSettings.OPEN.withBits(4)))
        .isEqualTo(WeightSettings.OPEN.withBits(4));
  }

  @Test
  void theScaleOfAnInputHasToBeMeasuredForTwo() {
    assertThat(Arrays.stream(Preset.values()).filter(Preset::needsSamples))
        .containsExactly(Preset.FP8, Preset.NVFP4);
  }

  @Test
  void meaningsAreShort() {
    assertThat(Preset.W8A8.meaning()).isEqualTo("int8 channel symmetric; activations int8 token");
    for (Preset preset : Preset.values()) {
      assertThat(preset.meaning().length()).as(preset.name()).isLessThan(60);
    }
  }

  @Test
  void whatIsNoNameIsRefused() {
    for (String wrong : List.of("A b", "", "W4A16/x y", "-", "acme/", "a".repeat(65))) {
      assertThatThrownBy(() -> WeightSettings.OPEN.withScheme(wrong))
          .as(wrong)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("is no id");
    }
    assertThatThrownBy(() -> WeightSettings.OPEN.withScheme("unquantized"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--exclude");
  }
}
