package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.spi.ReadLimits;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The source of holders contains what they can do, and all that this needs. */
class LibrarySourceTest {

  private static final Pattern DECLARED = Pattern.compile("(?m)^ {2}(\\w+) : ");
  private static final Pattern ATTRIBUTE = Pattern.compile("self\\.(\\w+)\\b(?!\\()");
  private static final Pattern METHOD = Pattern.compile("(?m)^ {2}def (\\w+)\\(self");
  private static final Pattern METHOD_CALL = Pattern.compile("self\\.(\\w+)\\(");
  private static final Pattern FUNCTION = Pattern.compile("(?m)^(?:def|class) (\\w+)");
  private static final Pattern NAME = Pattern.compile("__torch__\\.own\\.(\\w+)");

  private static Set<String> names(Pattern pattern, String text) {
    Set<String> names = new TreeSet<>();
    pattern.matcher(text).results().forEach(found -> names.add(found.group(1)));
    return names;
  }

  /** Sets that occur: a mode above weight-only is of a kernel, and static layers are chained. */
  @Provide
  static Arbitrary<LibrarySource> sources() {
    Arbitrary<Set<Ability>> uses = some(Ability.LINEAR, Ability.CONV, Ability.EMBED);
    Arbitrary<Set<Ability>> modes =
        some(
            Ability.WEIGHT_ONLY,
            Ability.DYNAMIC,
            Ability.DYNAMIC_ROW,
            Ability.DYNAMIC_ROW_ASYMMETRIC,
            Ability.STATIC);
    Arbitrary<Set<Ability>> more = some(Ability.SHARE, Ability.CHAIN);
    Arbitrary<Optional<String>> decoders =
        Arbitraries.of(
            Optional.empty(),
            Optional.of(
                """
                def scheme(parts: List[Tensor],
                    cells: List[int]) -> Tensor:
                  return __torch__.monoquant.unpacked(parts[0], 4, True, cells[0])
                """));
    return Combinators.combine(Arbitraries.of(Kernels.class), decoders, uses, modes, more)
        .as(
            (kernels, decoder, use, mode, rest) -> {
              Set<Ability> all = EnumSet.noneOf(Ability.class);
              all.addAll(use);
              if (!use.isEmpty()) {
                all.addAll(mode);
                all.addAll(rest);
              }
              if (all.stream().anyMatch(LibrarySourceTest::isKernel)) {
                all.add(Ability.INT8);
              }
              boolean layers = all.contains(Ability.LINEAR) || all.contains(Ability.CONV);
              if (!all.contains(Ability.STATIC) || !layers || kernels != Kernels.LASTING) {
                all.remove(Ability.CHAIN);
              }
              return new LibrarySource(kernels, decoder, all);
            });
  }

  private static boolean isKernel(Ability ability) {
    return ability.compareTo(Ability.DYNAMIC) >= 0 && ability.compareTo(Ability.STATIC) <= 0;
  }

  private static Arbitrary<Set<Ability>> some(Ability... abilities) {
    return Arbitraries.of(abilities).set();
  }

  @Property(tries = 300)
  void whatIsLeftNeedsNothingThatIsNot(@ForAll("sources") LibrarySource source) {
    for (LibrarySource one : Set.of(source, source.timed())) {
      String text = one.text("own");
      assertThat(names(DECLARED, text)).containsAll(names(ATTRIBUTE, text));
      assertThat(names(METHOD, text)).containsAll(names(METHOD_CALL, text));
      assertThat(names(FUNCTION, text)).containsAll(names(NAME, text));
      assertThat(text).doesNotContain("#if", "#else", "#end", "__torch__.monoquant.");
      TreeMap<String, String> code = new TreeMap<>();
      code.put("__torch__/own.py", text);
      assertThat(Definitions.of(code, "holders", ReadLimits.DEFAULT).fault()).isEmpty();
    }
  }

  @Property(tries = 100)
  void aWrittenSourceIsRead(@ForAll("sources") LibrarySource source) {
    String text = source.text("own_1");
    LibrarySource read = LibrarySource.read("own_1", text).orElseThrow();
    assertThat(read.text("own_1")).isEqualTo(text);
    assertThat(read.abilities()).isEqualTo(source.abilities());
    assertThat(read.timed().text("own_1")).isEqualTo(source.timed().text("own_1"));
    assertThat(LibrarySource.read("own_1", text + "\n")).isEmpty();
    assertThat(LibrarySource.read("own_1", text.substring(1))).isEmpty();
  }

  /** libtorch compiles all methods, and each branch of those that it runs. */
  @Example
  void linearsHaveNoConvolutionsAndNoTables() {
    String text =
        new LibrarySource(
                Kernels.LASTING,
                Optional.empty(),
                Set.of(Ability.LINEAR, Ability.INT8, Ability.DYNAMIC_ROW))
            .text("own");
    assertThat(names(METHOD, text))
        .contains("linear", "row_product")
        .doesNotContain(
            "conv", "embed", "prepared", "chain", "dynamic_product", "decoded_product", "count");
    assertThat(names(DECLARED, text)).doesNotContain("kernel", "table", "next_scale", "nanos");
  }

  /** Each weight in another mode: all are in one library, measured or not. */
  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      names = {"BERT_TRACED", "CONV2D_TRACED"})
  void modesOfOneProgramAreOneLibrary(Fixtures fixture) throws Exception {
    Quantized quantized = new Quantized(fixture.archive());
    List<Mode> modes =
        List.of(Mode.DYNAMIC_ROW_ASYMMETRIC, Mode.WEIGHT_ONLY, Mode.DYNAMIC, Mode.DYNAMIC_ROW);
    int next = 0;
    for (String name : quantized.candidates()) {
      Mode mode = modes.get(next++ % modes.size());
      quantized.add(name, 0, PlainScheme.INT8, Quantized.options(mode, 0));
    }
    ScriptArchive made = quantized.rewrite();
    assertThat(made.program().code()).containsKey("__torch__/monoquant.py");
    assertThat(made.program().code()).doesNotContainKey("__torch__/monoquant_1.py");
    float[] original = fixture.output();
    float[] output = output(made, fixture);
    float greatest = 0;
    float error = 0;
    for (int i = 0; i < original.length; i++) {
      greatest = Math.max(greatest, Math.abs(original[i]));
      error = Math.max(error, Math.abs(original[i] - output[i]));
    }
    assertThat(error).isPositive().isLessThan((float) fixture.tolerance() * greatest);
    assertThat(output(quantized.timed().getKey(), fixture)).isEqualTo(output);
  }

  private static float[] output(ScriptArchive archive, Fixtures fixture) throws Exception {
    try (Torch torch = Torch.load(archive)) {
      return torch.run(fixture.input(), 1);
    }
  }

  @Example
  void aConditionIsCheckedWhenItIsApplied() {
    Set<Ability> conv = Set.of(Ability.CONV);
    assertThat(Conditions.apply("a\n #if conv or embed\nb\n #else\nc\n #end\nd\n", conv))
        .isEqualTo("a\nb\nd\n");
    assertThat(Conditions.apply("#if linear\n#if conv\na\n#else\nb\n#end\n#else\nc\n#end\n", conv))
        .isEqualTo("c\n");
    for (String wrong : new String[] {"#if conv\n", "#end\n", "#else\n", "#if vonc\n#end\n"}) {
      assertThatThrownBy(() -> Conditions.apply(wrong, conv))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
