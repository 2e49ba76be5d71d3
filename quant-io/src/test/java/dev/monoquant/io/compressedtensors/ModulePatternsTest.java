package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Entries select the modules they are made for, under any name that a loader has for them. */
class ModulePatternsTest {

  private static boolean selects(List<String> entries, String module) {
    ModuleMatcher matcher = new ModuleMatcher(entries, "config.json");
    return matcher.names(module) || matcher.matches(module);
  }

  /** File names beside module names, as transformers 5.18 and vLLM 0.33 pair them. */
  @Example
  void prefixesOfLoadersAreFollowed() {
    String[][] pairs = {
      {"visual.blocks.0.attn.qkv", "model.visual.blocks.0.attn.qkv"},
      {"model.layers.0.mlp.up_proj", "model.language_model.layers.0.mlp.up_proj"},
      {"model.layers.0.mlp.up_proj", "language_model.model.layers.0.mlp.up_proj"},
      {"language_model.model.layers.0.mlp.up_proj", "model.language_model.layers.0.mlp.up_proj"},
      {"language_model.lm_head", "lm_head"},
      {"lm_head", "language_model.lm_head"},
      {"vision_tower.encoder.layers.0.mlp.fc1", "model.vision_tower.encoder.layers.0.mlp.fc1"},
      {
        "vision_tower.vision_model.encoder.layers.0.mlp.fc1",
        "model.vision_tower.encoder.layers.0.mlp.fc1"
      },
      {
        "model.vision_tower.encoder.layers.0.mlp.fc1",
        "vision_tower.vision_model.encoder.layers.0.mlp.fc1"
      },
      {"multi_modal_projector.linear_1", "model.multi_modal_projector.linear_1"},
      {"audio_tower.layers.0.fc1", "model.audio_tower.layers.0.fc1"},
      {"cls.predictions.decoder", "made.up.cls.predictions.decoder"}
    };
    for (String[] pair : pairs) {
      List<String> entries = ModulePatterns.selecting(List.of(pair[0]), List.of("other.fc"));
      assertThat(selects(entries, pair[0])).as(pair[0]).isTrue();
      assertThat(selects(entries, pair[1])).as(pair[1]).isTrue();
    }
  }

  @Example
  void towersOfOneStructureAreKeptApart() {
    List<String> text =
        List.of("model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj");
    List<String> vision = List.of("vision_tower.layers.0.self_attn.q_proj");
    List<String> entries = ModulePatterns.selecting(text, vision);
    assertThat(selects(entries, "model.language_model.layers.1.self_attn.q_proj")).isTrue();
    assertThat(selects(entries, "model.vision_tower.layers.0.self_attn.q_proj")).isFalse();
    assertThat(selects(entries, "vision_tower.layers.0.self_attn.q_proj")).isFalse();
    assertThat(selects(ModulePatterns.selecting(vision, text), "model.layers.0.self_attn.q_proj"))
        .isFalse();
  }

  @Example
  void numbersShareAPatternWhereThatSelectsNoOther() {
    List<String> all = new ArrayList<>();
    for (int layer = 0; layer < 40; layer++) {
      all.add("model.layers." + layer + ".mlp.down_proj");
    }
    assertThat(ModulePatterns.selecting(all, List.of("model.layers.0.mlp.up_proj")))
        .hasSize(42)
        .contains("re:(.*\\.)?model\\.layers\\.\\d+\\.mlp\\.down_proj$");
    List<String> first = all.subList(0, 2);
    List<String> entries = ModulePatterns.selecting(first, all.subList(2, 40));
    assertThat(entries).hasSize(6).noneMatch(e -> e.contains("\\d+"));
    assertThat(selects(entries, "x.model.layers.1.mlp.down_proj")).isTrue();
    assertThat(selects(entries, "x.model.layers.11.mlp.down_proj")).isFalse();
  }

  @Example
  void theExpertsOfALayerShareAPatternWhereOtherLayersHaveOthers() {
    List<String> own = new ArrayList<>();
    List<String> others = new ArrayList<>();
    for (int expert = 0; expert < 64; expert++) {
      own.add("model.layers.3.mlp.experts." + expert + ".up_proj");
      others.add("model.layers.4.mlp.experts." + expert + ".up_proj");
    }
    List<String> entries = ModulePatterns.selecting(own, others);
    assertThat(entries)
        .hasSize(66)
        .contains("re:(.*\\.)?model\\.layers\\.3\\.mlp\\.experts\\.\\d+\\.up_proj$");
  }

  /** Names of any text are literal in their patterns, dots and brackets included. */
  @Example
  void signsInNamesAreLiteral() {
    List<String> entries = ModulePatterns.selecting(List.of("a+b.(c|d)[0].w-1"), List.of());
    assertThat(selects(entries, "x.a+b.(c|d)[0].w-1")).isTrue();
    assertThat(selects(entries, "aab.c0.w-1")).isFalse();
  }

  @Example
  void aNumberAtTheEndIsNotLeftOpenWhereAnotherModuleHasOne() {
    List<String> entries =
        ModulePatterns.selecting(List.of("classifier.1", "classifier.7"), List.of("classifier.4"));
    assertThat(selects(entries, "model.classifier.7")).isTrue();
    assertThat(selects(entries, "classifier.4")).isFalse();
  }

  @Provide
  Arbitrary<Set<String>> names() {
    Arbitrary<String> part =
        Arbitraries.of(
            "model",
            "language_model",
            "layers",
            "vision_tower",
            "vision_model",
            "0",
            "1",
            "12",
            "mlp",
            "fc",
            "experts",
            "a.b");
    return part.list()
        .ofMinSize(1)
        .ofMaxSize(5)
        .map(parts -> String.join(".", parts))
        .set()
        .ofMinSize(1)
        .ofMaxSize(12);
  }

  @Property
  void noOtherModuleIsSelected(@ForAll("names") Set<String> names, @ForAll int seed) {
    List<String> own = new ArrayList<>();
    List<String> others = new ArrayList<>();
    names.forEach(name -> ((name.hashCode() ^ seed) % 2 == 0 ? own : others).add(name));
    List<String> entries = ModulePatterns.selecting(own, others);
    assertThat(own).allMatch(name -> selects(entries, name));
    assertThat(others).noneMatch(name -> selects(entries, name));
    Set<String> prefixed = new LinkedHashSet<>();
    own.forEach(name -> prefixed.add("model." + name));
    for (String other : others) {
      String asked = "model." + other;
      boolean same = names.contains(asked) || prefixed.contains(asked);
      assertThat(!same && selects(entries, asked)).as(asked).isFalse();
    }
  }

  @Property
  void aPrefixIsFollowedUnlessAnotherModuleEndsSo(
      @ForAll("names") Set<String> names, @ForAll int seed) {
    List<String> own = new ArrayList<>();
    List<String> others = new ArrayList<>();
    names.forEach(name -> ((name.hashCode() ^ seed) % 2 == 0 ? own : others).add(name));
    Assume.that(!own.isEmpty());
    List<String> entries = ModulePatterns.selecting(own, others);
    for (String name : own) {
      if (others.stream().noneMatch(other -> other.endsWith("." + name) || other.equals(name))) {
        assertThat(selects(entries, "any.prefix." + name)).as(name).isTrue();
      }
    }
  }
}
