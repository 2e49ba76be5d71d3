package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.spi.OptionValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of one value, whose input is prepared for kernels once. */
class SharingTest {

  private static final List<Mode> SHARED =
      List.of(Mode.DYNAMIC, Mode.DYNAMIC_ROW, Mode.DYNAMIC_ROW_ASYMMETRIC);

  private static OptionValues sharing(Mode mode, Kernels kernels) {
    return Quantized.options(mode, kernels, 0).with(HolderOptions.SHARE, true);
  }

  private static Quantized quantized(Fixtures fixture, Mode mode, Kernels kernels)
      throws Exception {
    Quantized quantized = new Quantized(fixture.archive());
    for (String name : quantized.candidates()) {
      quantized.add(name, fixture.rowAxis(name), PlainScheme.INT8, sharing(mode, kernels));
    }
    return quantized;
  }

  private static long count(ScriptArchive archive, String text) {
    return archive.program().code().entrySet().stream()
        .filter(file -> !file.getKey().startsWith("__torch__/monoquant"))
        .flatMap(file -> file.getValue().lines())
        .filter(line -> line.contains(text))
        .count();
  }

  private static float[] output(ScriptArchive archive, Fixtures fixture) throws Exception {
    try (Torch torch = Torch.load(archive)) {
      float[] first = torch.run(fixture.input(), 1);
      // The engine compiles a model in its first two calls.
      torch.run(fixture.input(), 1);
      assertThat(torch.run(fixture.input(), 1)).isEqualTo(first);
      return first;
    }
  }

  /** The outputs are equal to the bit, whatever shares or does not. */
  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      names = {
        "BERT_TRACED",
        "TIED_SCRIPTED",
        "HALF_TRACED",
        "CONV2D_TRACED",
        "DIGITS_TRANSFORMER_TRACED",
        "DIGITS_TRANSFORMER_SCRIPTED"
      })
  void changesNoOutput(Fixtures fixture) throws Exception {
    for (Kernels kernels : Kernels.values()) {
      for (Mode mode : Mode.values()) {
        float[] expected =
            output(fixture.quantized(PlainScheme.INT8, mode, kernels).rewrite(), fixture);
        assertThat(output(quantized(fixture, mode, kernels).rewrite(), fixture))
            .as(mode + " " + kernels)
            .isEqualTo(expected);
      }
    }
  }

  /** Query, key and value of each layer. */
  @Test
  void attentionOfATracedModelShares() throws Exception {
    ScriptArchive archive =
        quantized(Fixtures.BERT_TRACED, Mode.DYNAMIC_ROW, Kernels.LASTING).rewrite();
    assertThat(count(archive, ".prepared(")).isPositive();
    assertThat(count(archive, ".linear_of(")).isEqualTo(3 * count(archive, ".prepared("));
  }

  @Test
  void measuringSeesEachWeight() throws Exception {
    for (Kernels kernels : Kernels.values()) {
      for (Mode mode : SHARED) {
        Quantized quantized = quantized(Fixtures.BERT_TRACED, mode, kernels);
        float[] expected = output(quantized.rewrite(), Fixtures.BERT_TRACED);
        ScriptArchive timed = quantized.timed().getKey();
        assertThat(output(timed, Fixtures.BERT_TRACED)).isEqualTo(expected);
        try (Torch torch = Torch.load(timed)) {
          torch.run(Fixtures.BERT_TRACED.input(), 1);
          assertThat(torch.counters(".nanos").entrySet())
              .filteredOn(e -> e.getKey().contains("key.weight"))
              .isNotEmpty()
              .allSatisfy(e -> assertThat(e.getValue()).doesNotContain(0));
        }
      }
    }
  }

  private final Build build = new Build(3);

  /** A model with two weights, a layer, and a layer whose call changes its input. */
  private ScriptArchive two(String... body) {
    build.code(
        "__torch__.py",
        "class Layer(Module):",
        "  __parameters__ = [\"weight\", ]",
        "  __buffers__ = []",
        "  weight : Tensor",
        "  bias : NoneType",
        "  training : bool",
        "  def forward(self: __torch__.Layer,",
        "    input: Tensor) -> Tensor:",
        "    weight = self.weight",
        "    return torch.linear(input, weight, None)",
        "  def traced(self: __torch__.Layer,",
        "    input: Tensor) -> Tensor:",
        "    weight = self.weight",
        "    return torch.linear(input, weight)",
        "  def softened(self: __torch__.Layer,",
        "    input: Tensor) -> Tensor:",
        "    return torch.softmax(torch.dropout(input, 0.1, False), -1)",
        "  def doubled(self: __torch__.Layer,",
        "    input: Tensor) -> Tensor:",
        "    again = torch.mul_(input, 2.)",
        "    return again",
        "class Net(Module):",
        "  __parameters__ = [\"first\", \"second\", ]",
        "  __buffers__ = []",
        "  first : Tensor",
        "  second : Tensor",
        "  layer : __torch__.Layer",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    first = self.first",
        "    second = self.second",
        "    layer = self.layer");
    for (String line : body) {
      build.code("__torch__.py", "    " + line);
    }
    return build.archive(
        Build.module(
            "__torch__.Net",
            Map.of(
                "first", build.tensor(1, 8, 8),
                "second", build.tensor(1, 8, 8),
                "layer",
                    Build.module(
                        "__torch__.Layer",
                        Map.of("weight", build.tensor(1, 8, 8), "bias", None.INSTANCE)))));
  }

  /** The lines of a body, separated by semicolons, with blanks for blocks. */
  private ScriptArchive rewritten(String body) {
    return new Quantized(two(body.split(";", -1)))
        .addAll(PlainScheme.INT8, sharing(Mode.DYNAMIC_ROW, Kernels.LASTING))
        .rewrite();
  }

  private static float[] run(ScriptArchive archive) throws Exception {
    try (Torch torch = Torch.load(archive)) {
      return torch.run("f3x8", 5);
    }
  }

  /** A weight that divides its inputs sees them itself; the others share what they take. */
  @ParameterizedTest
  @ValueSource(strings = {"first", "second", "layer.weight"})
  void aWeightThatDividesItsInputsSeesThem(String divided) throws Exception {
    String[] body = {
      "a = torch.linear(x, first, None)",
      "b = torch.add(a, torch.linear(x, second, None))",
      "return torch.add(b, (layer).forward(x, ))"
    };
    for (Mode mode : SHARED) {
      List<float[]> outputs = new ArrayList<>();
      for (boolean share : new boolean[] {false, true}) {
        Quantized quantized = new Quantized(new SharingTest().two(body));
        OptionValues options =
            Quantized.options(mode, Kernels.LASTING, 0).with(HolderOptions.SHARE, share);
        for (String name : quantized.candidates()) {
          Optional<float[]> factors =
              name.equals(divided)
                  ? Optional.of(new float[] {4, 1, 0.5f, 1, 2, 1, 1, 3})
                  : Optional.empty();
          assertThat(quantized.add(name, 0, PlainScheme.INT8, options, factors)).isEmpty();
        }
        ScriptArchive archive = quantized.rewrite();
        assertThat(count(archive, ".prepared(")).isEqualTo(share ? 1 : 0);
        outputs.add(run(archive));
      }
      assertThat(outputs.get(1)).isEqualTo(outputs.get(0));
    }
  }

  private void requireEqual(String body, long prepared) throws Exception {
    ScriptArchive archive = rewritten(body);
    assertThat(count(archive, ".prepared(")).as(body).isEqualTo(prepared);
    ScriptArchive apart =
        new Quantized(new SharingTest().two(body.split(";", -1)))
            .addAll(PlainScheme.INT8, Quantized.options(Mode.DYNAMIC_ROW, Kernels.LASTING, 0))
            .rewrite();
    assertThat(run(archive)).isEqualTo(run(apart));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a = torch.linear(x, first, None);return torch.add(a, torch.linear(x, second, None))",
        "a = torch.linear(x, first, None);return torch.add(a, (layer).forward(x, ))",
        // So a layer without a bias is traced.
        "a = torch.linear(x, first);return torch.add(a, (layer).traced(x, ))",
        "a = (layer).forward(x, );b = (layer).softened(a, );"
            + "return torch.add(b, torch.linear(x, first))",
        "y = torch.mul(x, 2);a = torch.linear(y, first, None);z = torch.mul(x, 2);"
            + "b = torch.linear(y, second, None);return torch.add(a, b)",
        "y = x;for i in range(2):;  a = torch.linear(y, first, None);"
            + "  y = torch.add(a, torch.linear(y, second, None));return y",
        "y = torch.mul_(x, 2);a = torch.linear(x, first, None);"
            + "return torch.add(a, torch.linear(x, second, None))"
      })
  void productsOfOneValueShare(String body) throws Exception {
    boolean setsItsInput = body.startsWith("y = x;for");
    requireEqual(body, setsItsInput ? 0 : 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // Changed between, by torch, a method of torch's, or a method of the model's.
        "a = torch.linear(x, first, None);y = torch.mul_(x, 2);"
            + "return torch.add(a, torch.linear(x, second, None))",
        "a = torch.linear(x, first, None);y = torch.view(x, [-1]);z = torch.add_(y, 1);"
            + "return torch.add(a, torch.linear(x, second, None))",
        "a = torch.linear(x, first, None);y = (layer).doubled(x, );"
            + "return torch.add(a, (layer).forward(x, ))",
        "a = torch.linear(x, first, None);"
            + "return torch.add(a, torch.linear(x, second, torch.select(torch.mul_(x, 2), 0, 0)))",
        // The output of a function that changes a tensor.
        "a = torch.linear(x, first, None);y = torch.mul(x, 3, out=x);"
            + "return torch.add(a, torch.linear(x, second, None))",
        // Another value of the name.
        "y = x;a = torch.linear(y, first, None);y = torch.mul(x, 2);"
            + "return torch.add(a, torch.linear(y, second, None))",
        // Other blocks.
        "a = torch.linear(x, first, None);if torch.gt(torch.size(x, 0), 1):;"
            + "  y = torch.linear(x, second, None);else:;  y = a;return torch.add(a, y)",
        "if torch.gt(torch.size(x, 0), 1):;  y = torch.linear(x, second, None);else:;"
            + "  y = torch.linear(x, first, None);return y",
        "y = x;while bool(torch.gt(torch.sum(torch.abs(torch.linear(y, first, None))), 1000.)):;"
            + "  y = torch.mul(y, 0.5);return torch.linear(y, second, None)",
        "y = x;while bool(torch.gt(torch.sum(torch.abs(torch.add(torch.linear(y, first, None),"
            + " torch.linear(y, second, None)))), 10.)):;  y = torch.mul(y, 0.5);return y",
        // Other values.
        "y = torch.mul(x, 2);a = torch.linear(x, first, None);"
            + "return torch.add(a, torch.linear(y, second, None))",
        "return torch.add(torch.linear(torch.mul(x, 2), first, None),"
            + " torch.linear(torch.mul(x, 2), second, None))",
        "return torch.linear(x, first, None)"
      })
  void otherProductsDoNot(String body) throws Exception {
    requireEqual(body, 0);
  }
}
