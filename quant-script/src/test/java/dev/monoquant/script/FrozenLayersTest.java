package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers by what code does with constants, in the forms that torch prints. */
class FrozenLayersTest {

  private static List<String> layers(String code, int rank) {
    List<TensorInfo> constants = new ArrayList<>();
    long[] dims = new long[rank];
    Arrays.fill(dims, 2);
    for (int i = 0; i < 20; i++) {
      TensorShape shape = i % 2 == 0 ? TensorShape.of(dims) : TensorShape.of(2);
      constants.add(new TensorInfo("CONSTANTS.c" + i, ElementType.FLOAT32, shape));
    }
    return found(code, constants).stream().map(FrozenLayersTest::text).toList();
  }

  private static List<Layer> found(String code, List<TensorInfo> constants) {
    String text =
        "class Net(Module):\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n" + code;
    PickleTuple none = new PickleTuple(List.of());
    ScriptProgram program =
        new ScriptProgram(new TreeMap<>(Map.of("__torch__.py", text)), none, none);
    return new Script(program, "model.pt", ReadLimits.DEFAULT).layersOf(constants);
  }

  /** A regular expression overflows the stack at a fraction of them. */
  @Example
  void aLongListOfWeightsIsRead() {
    int layers = 2_500;
    List<TensorInfo> constants = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 4 * layers; i++) {
      names.add("CONSTANTS.c" + i);
      constants.add(new TensorInfo(names.get(i), ElementType.FLOAT32, TensorShape.of(2, 2)));
    }
    String code =
        "    w = [%s]\n    _0, = torch.lstm(x, hx, w, True, %d, 0., False, False, True)\n"
            .formatted(String.join(", ", names), layers);
    List<Layer> found = found(code, constants);
    assertThat(found).hasSize(1);
    assertThat(found.get(0).tensors()).hasSize(4 * layers);
  }

  private static String text(Layer layer) {
    StringBuilder text = new StringBuilder(layer.name() + " " + layer.kind());
    layer
        .tensors()
        .forEach((local, t) -> text.append(' ').append(local).append('=').append(t.name()));
    return text.toString().replace("CONSTANTS.", "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "_0 = torch.linear(x, CONSTANTS.c0, CONSTANTS.c1) | 2 | c0 Linear weight=c0 bias=c1",
        "_0 = torch.linear(x, CONSTANTS.c0) | 2 | c0 Linear weight=c0",
        "_0 = torch.lstm_cell(x, [h, c], CONSTANTS.c0, CONSTANTS.c2, CONSTANTS.c1, CONSTANTS.c3)"
            + " | 2 | c0 LSTMCell weight_ih=c0 weight_hh=c2 bias_ih=c1 bias_hh=c3",
        "_0 = torch.gru_cell(x, h, CONSTANTS.c0, CONSTANTS.c2) | 2 |"
            + " c0 GRUCell weight_ih=c0 weight_hh=c2",
        "_0 = torch.rnn_relu_cell(x, h, CONSTANTS.c0, CONSTANTS.c2, None, None) | 2 |"
            + " c0 RNNCell weight_ih=c0 weight_hh=c2",
        "_0 = torch.linear(x, CONSTANTS.c0, None) | 2 | c0 Linear weight=c0",
        "return torch.relu(torch.linear(torch.add(x, y), CONSTANTS.c0)) | 2 | c0 Linear weight=c0",
        "_0 = torch.format('a, (', torch.linear(f([x, y], {1: 2}), CONSTANTS.c2)) | 2 | c2 Linear weight=c2",
        "_0 = torch.addmm(CONSTANTS.c1, x, CONSTANTS.c0) | 2 | c0 Conv1D weight=c0 bias=c1",
        "_0 = torch.embedding(CONSTANTS.c0, x) | 2 | c0 Embedding weight=c0",
        "_0 = torch.conv2d(x, CONSTANTS.c0, CONSTANTS.c1, [1, 1], [0, 0], [1, 1], 1) | 4 | c0 Conv2d weight=c0 bias=c1",
        "_0 = torch._convolution(x, CONSTANTS.c0, None, [1], [0], [1], False, [0], 1) | 3 | c0 Conv1d weight=c0",
        "_0 = torch._convolution(x, CONSTANTS.c0, None, [1], [0], [1], True, [0], 1) | 4 | c0 ConvTranspose2d weight=c0",
        "_0 = torch.layer_norm(x, [2], CONSTANTS.c1, CONSTANTS.c3) | 2 | c1 Norm weight=c1 bias=c3",
        "_0 = torch.linear(x, y, CONSTANTS.c1) | 2 | ''",
        "_0 = mytorch.linear(x, CONSTANTS.c0) | 2 | ''",
        "_0 = ops.torch.linear(x, CONSTANTS.c0) | 2 | ''",
        "_0 = torch.linear(x, CONSTANTS.c77) | 2 | ''",
        "_0 = 'torch.linear(x, CONSTANTS.c0)' | 2 | ''",
        "_0 = torch.linear(x, CONSTANTS.c0 | 2 | ''"
      })
  void oneStatement(String code, int rank, String expected) {
    List<String> layers = layers("    " + code.replace('\'', '"') + "\n", rank);
    assertThat(String.join("; ", layers)).isEqualTo(expected);
  }

  @Example
  void aConstantIsOneLayer() {
    assertThat(
            layers(
                """
                    _0 = torch.embedding(CONSTANTS.c0, x)
                    _1 = torch.linear(_0, CONSTANTS.c2, CONSTANTS.c1)
                    _2 = torch.linear(_1, CONSTANTS.c4, CONSTANTS.c1)
                    _3 = torch.linear(_2, CONSTANTS.c0)
                """,
                2))
        .containsExactly(
            "c0 Embedding weight=c0", "c2 Linear weight=c2 bias=c1", "c4 Linear weight=c4");
  }

  @Example
  void recurrentLayersHaveTheNamesOfTorch() {
    String list =
        "    w = [CONSTANTS.c0, CONSTANTS.c2, CONSTANTS.c1, CONSTANTS.c3, CONSTANTS.c4,"
            + " CONSTANTS.c6, CONSTANTS.c5, CONSTANTS.c7]\n";
    String call = "    _0, _1, _2 = torch.lstm(x, [h, h], w, True, %s, 0., False, %s, True)\n";
    assertThat(layers(list + call.formatted("2", "False"), 2))
        .containsExactly(
            "c0 LSTM weight_ih_l0=c0 weight_hh_l0=c2 bias_ih_l0=c1 bias_hh_l0=c3"
                + " weight_ih_l1=c4 weight_hh_l1=c6 bias_ih_l1=c5 bias_hh_l1=c7");
    assertThat(layers(list + call.formatted("1", "True"), 2))
        .containsExactly(
            "c0 LSTM weight_ih_l0=c0 weight_hh_l0=c2 bias_ih_l0=c1 bias_hh_l0=c3"
                + " weight_ih_l0_reverse=c4 weight_hh_l0_reverse=c6 bias_ih_l0_reverse=c5"
                + " bias_hh_l0_reverse=c7");
    assertThat(layers(list + call.formatted("1", "False"), 2)).isEmpty();
    assertThat(layers(list + call.formatted("99999999999", "True"), 2)).isEmpty();
    assertThat(
            layers(
                """
                    w = [CONSTANTS.c0, CONSTANTS.c2]
                    _0, _1 = torch.gru(x, h, w, False, 1, 0., False, False, True)
                """,
                2))
        .containsExactly("c0 GRU weight_ih_l0=c0 weight_hh_l0=c2");
  }

  /** Code is untrusted: whatever stands there, in one pass. */
  @Property(tries = 500)
  void anyTextIsRead(
      @ForAll
          @Chars({'(', ')', '[', ']', ',', '"', '\\', '\n', '.', ' '})
          @CharRange(from = 'a', to = 'c')
          @StringLength(max = 60)
          String noise) {
    layers("    torch.linear(" + noise + ", CONSTANTS.c0)" + noise, 2);
  }

  /** Torch's printer cuts expressions that become long; nesting that it never writes is no code. */
  @Example
  void nestingIsFollowedAsFarAsItIsUnderstood() {
    String calls = "    return " + "torch.relu(".repeat(190) + "torch.linear(x, CONSTANTS.c0)";
    assertThat(layers(calls + ")".repeat(190) + "\n", 2)).containsExactly("c0 Linear weight=c0");
    String hostile = "    y = " + "torch.linear(".repeat(20_000) + "x, CONSTANTS.c0)";
    String next = "    return torch.linear(x, CONSTANTS.c2)\n";
    assertThat(layers(hostile + ")".repeat(19_999) + "\n" + next, 2))
        .containsExactly("c2 Linear weight=c2");
    assertThat(layers(hostile + "\n" + next, 2)).isEmpty();
  }

  @Example
  void aListIsThatOfItsFunction() {
    String first = "    w = [CONSTANTS.c0, CONSTANTS.c2]\n";
    String call = "    _0, _1 = torch.gru(x, h, w, False, 1, 0., False, False, True)\n";
    String other = "  def other(self: __torch__.Net, x: Tensor) -> Tensor:\n";
    assertThat(layers(first + other + call, 2)).isEmpty();
    assertThat(layers(first + call + other + "    w = [CONSTANTS.c4, CONSTANTS.c6]\n" + call, 2))
        .containsExactly(
            "c0 GRU weight_ih_l0=c0 weight_hh_l0=c2", "c4 GRU weight_ih_l0=c4 weight_hh_l0=c6");
    assertThat(layers(first + "    w = f(x)\n" + call, 2)).isEmpty();
  }
}
