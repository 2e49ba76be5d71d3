package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleValue.None;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A weight in other forms is still multiplied by its holder, and gives what the original gives. */
class FormsTest {

  private static final int ROWS = 24;
  private static final int COLUMNS = 16;

  private static Quantized held(String call, Mode mode, long... shape) {
    Build build = new Build(3);
    ScriptArchive archive = build.of(call, build.tensor(1, shape), build.tensor(1, shape[0]));
    Quantized quantized =
        new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(mode, 0));
    assertThat(quantized.refused()).isEmpty();
    return quantized;
  }

  private static String code(String call, long... shape) {
    String all = held(call, Mode.DYNAMIC, shape).rewrite().program().code().get("__torch__.py");
    return all.substring(all.indexOf("return ") + "return ".length()).strip();
  }

  /** Kernels of 1x1 that lose axes of length 1, or get them again. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.squeeze(torch.squeeze(weight, -1), -1) | 24x16x1x1",
        "torch.squeeze(weight) | 24x16x1x1",
        "torch.squeeze(weight, [2, 3]) | 24x16x1x1",
        "torch.squeeze(weight, [-1, -2]) | 24x16x1x1",
        "torch.squeeze(weight, 2) | 24x16x1",
        "torch.select(torch.select(weight, 3, 0), 2, 0) | 24x16x1x1",
        "torch.select(torch.slice(torch.slice(weight, 0, 0, 9223372036854775807), 1), 2, 0) | 24x16x1",
        "torch.view(weight, [24, 16]) | 24x16x1x1",
        "torch.view(weight, [-1, 16]) | 24x16x1",
        "torch.reshape(weight, [24, -1]) | 24x16x1x1",
        "torch.flatten(weight, 1) | 24x16x1x1x1",
        "torch.flatten(weight, 1, -1) | 24x16x1",
        "torch.squeeze(torch.unsqueeze(weight, -1), 2) | 24x16",
        "torch.t(torch.t(torch.detach(torch.squeeze(weight, -1)))) | 24x16x1",
        "torch.clone(weight) | 24x16",
        "torch.t(torch.contiguous(torch.t(weight))) | 24x16",
        "torch.contiguous(torch.t(torch.contiguous(torch.t(weight)))) | 24x16",
        "torch.t(torch.mH(weight)) | 24x16",
        "torch.matrix_H(torch.adjoint(weight)) | 24x16",
        "torch.t(torch.movedim(weight, 0, 1)) | 24x16",
        "torch.moveaxis(torch.t(weight), -1, 0) | 24x16",
        "torch.t(torch.permute(weight, [-1, -2])) | 24x16",
        "torch.t(torch.transpose(weight, 0, -1)) | 24x16",
        "torch.t(torch.swapaxes(weight, -1, -2)) | 24x16",
      })
  void formsOfAMatrix(String form, String shape) {
    assertThat(code("torch.linear(x, " + form + ", bias)", dims(shape)))
        .isEqualTo("(weight).linear(x, bias, )");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.squeeze(weight) | 24x1x1 | torch.squeeze((weight).tensor())",
        "torch.squeeze(weight, 1) | 24x1x1 | torch.squeeze((weight).tensor(), 1)",
        "torch.squeeze(torch.squeeze(weight, -1), 1) | 24x1x1 |"
            + " torch.squeeze(torch.squeeze((weight).tensor(), -1), 1)",
        "torch.select(weight, 2, 1) | 24x16x3 | torch.select((weight).tensor(), 2, 1)",
        "torch.select(weight, 1, 0) | 24x16x1 | torch.select((weight).tensor(), 1, 0)",
        "torch.view(weight, [16, 24]) | 24x16 | torch.view((weight).tensor(), [16, 24])",
        "torch.view(weight, [-1]) | 24x16 | torch.view((weight).tensor(), [-1])",
        "torch.flatten(weight) | 24x16 | torch.flatten((weight).tensor())",
        "torch.flatten(weight, 1) | 24x4x4 | torch.flatten((weight).tensor(), 1)",
        "torch.slice(weight, 0, 0, 8) | 24x16 | torch.slice((weight).tensor(), 0, 0, 8)",
        "torch.slice(weight, 0, 8) | 24x16 | torch.slice((weight).tensor(), 0, 8)",
        "torch.movedim(weight, 0, 0) | 24x16 | torch.movedim((weight).tensor(), 0, 0)",
        "torch.permute(weight, [0, 1]) | 24x16 | torch.permute((weight).tensor(), [0, 1])",
        "torch.permute(weight, [0, -2]) | 24x16 | torch.permute((weight).tensor(), [0, -2])",
        "torch.mH(weight) | 24x16x1 | torch.mH((weight).tensor())",
        "torch.clone(weight, memory_format=0) | 24x16 |"
            + " torch.clone((weight).tensor(), memory_format=0)",
        "torch.type_as(weight, torch.neg(x)) | 24x16 |"
            + " torch.type_as((weight).tensor(), torch.neg(x))",
        "torch.neg(torch.type_as(weight, x)) | 24x16 |"
            + " torch.neg(torch.to((weight).tensor(), ops.prim.dtype(x)))",
        "torch.view(torch.contiguous(torch.t(weight)), [-1]) | 24x16 |"
            + " torch.view(torch.contiguous(torch.transpose((weight).tensor(), 0, 1)), [-1])",
        "torch.neg(torch.t(torch.contiguous(torch.t(weight)))) | 24x16 | torch.neg(torch.transpose("
            + "torch.contiguous(torch.transpose((weight).tensor(), 0, 1)), 0, 1))",
        "torch.neg(torch.contiguous(torch.t(torch.contiguous(torch.t(weight))))) | 24x16 |"
            + " torch.neg((weight).tensor())",
        "torch.neg(torch.unsqueeze(torch.t(weight), 2)) | 24x16 |"
            + " torch.neg(torch.transpose(torch.unsqueeze((weight).tensor(), -1), 0, 1))",
      })
  void otherFormsGetTheTensor(String call, String shape, String after) {
    assertThat(code(call, dims(shape))).isEqualTo(after);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.linear(x, torch.type_as(weight, x), bias) | bias | ops.prim.dtype(x)",
        "torch.linear(x, torch.to(weight, ops.prim.dtype(x))) | None | ops.prim.dtype(x)",
        "torch.matmul(x, torch.t(torch.to(weight, 15))) | None | 15",
        "torch.linear(x, torch.to(torch.to(weight, 5), torch.device(\"cpu\"))) | None | 5",
      })
  void castsComeAfterTheProduct(String call, String bias, String type) {
    assertThat(code(call, ROWS, COLUMNS))
        .isEqualTo("torch.to((weight).linear(torch.to(x, 6), " + bias + ", ), " + type + ")");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.matmul(x, torch.contiguous(torch.t(weight))) | (weight).linear(x, None, )",
        "torch.mv(weight, x) | (weight).linear(x, None, )",
        "torch.inner(x, weight) | (weight).linear(x, None, )",
        "torch.einsum(\"oi,bi->bo\", [weight, x]) | (weight).linear(x, None, )",
        "torch.conv1d(x, torch.unsqueeze(weight, -1), bias) |"
            + " torch.contiguous(torch.movedim((weight).linear(torch.movedim(x, -2, -1), bias, ),"
            + " -1, -2))",
        "torch.conv1d(x, torch.unsqueeze(weight, -1), bias, [2]) |"
            + " torch.conv1d(x, torch.unsqueeze((weight).tensor(), -1), bias, [2])",
      })
  void productsOfAMatrix(String call, String after) {
    assertThat(code(call, ROWS, COLUMNS)).isEqualTo(after);
  }

  static Stream<Arguments> runs() {
    return Stream.of(
            "f5x16 | 24x16x1x1 | torch.linear(x, torch.squeeze(torch.squeeze(weight, -1), -1), bias)",
            "f5x24 | 24x16x1 | torch.matmul(x, torch.select(weight, 2, 0))",
            "f5x24 | 24x16 | torch.linear(x, torch.contiguous(torch.t(weight)))",
            "f5x16 | 24x16 | torch.linear(x, torch.type_as(weight, x), bias)",
            "h5x16 | 24x16 | torch.linear(x, torch.type_as(weight, x), torch.type_as(bias, x))",
            "h2x16x9 | 24x16x1 | torch.conv1d(x, torch.type_as(weight, x), torch.type_as(bias, x))",
            "f2x16x9 | 24x16 | torch.conv1d(x, torch.unsqueeze(weight, -1), bias)",
            "f16x9 | 24x16 | torch.conv1d(x, torch.unsqueeze(weight, -1), bias)",
            "f2x16x3x5 | 24x16x1 | torch.conv2d(x, torch.unsqueeze(weight, 3), bias)",
            "f16 | 24x16 | torch.mv(weight, x)",
            "f5x16 | 24x16 | torch.einsum(\"oi,bi->bo\", [weight, x])",
            "f2x16x5x7 | 24x16x3x3 | torch.view(torch.conv2d(x, weight, bias), [2, -1])",
            "f2x16x5x7 | 24x16x1x1 | torch.view(torch.conv2d(x, weight, bias), [48, 35])")
        .flatMap(run -> Stream.of(Mode.values()).map(mode -> Arguments.of(run, mode)));
  }

  @ParameterizedTest
  @MethodSource("runs")
  void givesWhatTheOriginalGives(String run, Mode mode) throws Exception {
    String[] parts = run.split(" \\| ", -1);
    Build build = new Build(5);
    long[] shape = dims(parts[1]);
    boolean biased = parts[2].contains("bias");
    ScriptArchive original =
        build.of(
            parts[2], build.tensor(1, shape), biased ? build.tensor(1, shape[0]) : None.INSTANCE);
    Quantized quantized =
        new Quantized(original).addAll(PlainScheme.INT8, Quantized.options(mode, 0));
    try (Torch before = Torch.load(original);
        Torch after = Torch.load(quantized.rewrite())) {
      assertThat(Torch.error(before.run(parts[0], 1), after.run(parts[0], 1))).isLessThan(0.03);
    }
    assertThat(quantized.treatments().get(0).note()).doesNotContain("no int8 kernel");
  }

  /** What takes the decoded tensor is named. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.linear(x, torch.slice(weight, 0, 0, 8)) |"
            + " no int8 kernel does what the code uses it for (torch.slice)",
        "torch._native_multi_head_attention(x, weight) | run in float where a fused layer of PyTorch"
            + " takes it (torch._native_multi_head_attention); trace the model after",
        "torch.add(torch.linear(x, weight), torch._transformer_encoder_layer_fwd(x, weight)) |"
            + " takes it (torch._transformer_encoder_layer_fwd), by int8 products elsewhere; trace",
        "torch.add(torch.linear(x, weight), torch.sum(torch.mul(weight, 2))) |"
            + " int8 products; other uses (torch.mul) get the weight decoded",
      })
  void namesWhatTakesTheTensor(String call, String note) {
    Quantized quantized = held(call, Mode.DYNAMIC, ROWS, COLUMNS);
    quantized.rewrite();
    assertThat(quantized.treatments().get(0).note()).contains(note);
  }

  private static long[] dims(String shape) {
    return Stream.of(shape.split("x", -1)).mapToLong(Long::parseLong).toArray();
  }
}
