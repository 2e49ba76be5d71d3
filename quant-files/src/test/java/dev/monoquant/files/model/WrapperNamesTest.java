package dev.monoquant.files.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Which steps of names are wrappers, and which are names of the model. */
class WrapperNamesTest {

  private final List<String> notes = new ArrayList<>();

  /** Each text is an old name and its new one, the same if there is no arrow. */
  private void check(String... names) {
    Map<String, String> expected = new LinkedHashMap<>();
    List<String> old = new ArrayList<>();
    for (String name : names) {
      int arrow = name.indexOf(" -> ");
      String from = arrow < 0 ? name : name.substring(0, arrow);
      String to = arrow < 0 ? name : name.substring(arrow + 4);
      old.add(from);
      if (!to.equals("gone")) {
        expected.put(from, to);
      }
    }
    assertThat(WrapperNames.strip(old, notes)).containsExactlyEntriesOf(expected);
  }

  @Example
  void wrappersAreTakenOffWhereverTheyAre() {
    check(
        "_orig_mod.a.weight -> a.weight",
        "blocks.0._orig_mod.b.weight -> blocks.0.b.weight",
        "blocks._checkpoint_wrapped_module._fsdp_wrapped_module.c.bias -> blocks.c.bias",
        "head.weight");
    assertThat(notes)
        .containsExactly(
            "Steps of wrappers are taken off 3 names, such as \"_orig_mod.a.weight\", which becomes"
                + " \"a.weight\".");
  }

  @Example
  void moduleOfAllNamesIsThatOfDataParallel() {
    check("module.a.weight -> a.weight", "module.module.b -> module.b");
    assertThat(notes).containsExactly("The prefix \"module.\" is taken off all names.");
    check("module.module.a -> a", "module.module.b.c -> b.c");
    check("module._orig_mod.a -> a", "module._orig_mod.b -> b");
    check("_orig_mod.module.a -> a", "_orig_mod.module.b -> b");
    check("module._orig_mod.module.a -> a", "module._orig_mod.module.b -> b");
  }

  @Example
  void moduleIsANameWhereOthersAreBesideIt() {
    check("module.a", "head.weight");
    check("a.module.weight", "a.module.bias");
    check("_orig_mod.module.a -> module.a", "_orig_mod.head -> head");
    check("x._orig_mod.module.a -> x.module.a", "x._orig_mod.b -> x.b", "y");
    check("x.module._orig_mod.a -> x.module.a", "y");
    check("modules.a", "modules.b");
    check("module", "module.a");
    assertThat(notes).hasSize(3);
  }

  @Example
  void moduleBelowAnotherWrapperIsOneIfAllAgree() {
    check("x._orig_mod.module.a -> x.a", "x._orig_mod.module.b -> x.b", "y.module.a");
  }

  @Example
  void countersOfAveragesAreLeftOut() {
    check("n_averaged -> gone", "module.a -> a", "module.b -> b");
    assertThat(notes)
        .containsExactly(
            "The prefix \"module.\" is taken off all names.",
            "Left out: \"n_averaged\", a counter of an average.");
    check("ema.n_averaged -> gone", "ema.module.a -> ema.a", "model.a");
    check("module.n_averaged -> gone", "module.module.a -> a");
    check("step -> gone", "module.a -> a");
  }

  @Example
  void whatLooksLikeACounterStaysWhereNothingIsAveraged() {
    check("n_averaged", "a");
    check("step", "a.weight");
    check("_orig_mod.step -> step", "_orig_mod.a -> a");
    check("module.step -> step", "module.a.weight -> a.weight");
  }

  @Example
  void twoNamesNeverBecomeOne() {
    check("_orig_mod.a", "a", "module.b");
    assertThat(notes.get(0)).contains("\"_orig_mod.a\"").contains("kept");
  }

  @Example
  void theLastStepStays() {
    check("_orig_mod", "a._orig_mod", "module", "module.");
    check("module.");
    check("_orig_mod.");
    assertThat(notes).isEmpty();
  }

  /** Whatever a model is called, wrapping it and taking the wrappers off gives its names. */
  @Property
  void wrappingIsUndone(
      @ForAll @Size(min = 2, max = 6) List<@IntRange(min = 0, max = 3) Integer> shape,
      @ForAll @IntRange(min = 1, max = 4) int wraps,
      @ForAll @IntRange(min = 0, max = 2) int place) {
    List<String> model = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      String[] steps = new String[shape.get(i) + 1];
      Arrays.setAll(steps, s -> "s" + s);
      model.add("l" + i % 2 + "." + String.join(".", steps) + i + ".weight");
    }
    String[] kinds = {
      "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_fpw_module."
    };
    List<String> wrapped = new ArrayList<>();
    for (String name : model) {
      String with = name;
      for (int w = 0; w < wraps; w++) {
        int dot = with.indexOf('.') + 1;
        with =
            switch (place) {
              case 0 -> kinds[w] + with;
              case 1 -> with.substring(0, dot) + kinds[w] + with.substring(dot);
              default -> "module." + kinds[w] + with;
            };
      }
      wrapped.add(with);
    }
    assertThat(WrapperNames.strip(wrapped, notes).values()).containsExactlyElementsOf(model);
    assertThat(notes).isNotEmpty();
  }
}
