package dev.monoquant.bench;

import dev.monoquant.files.pickle.PickleObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Two models with only the layers of a model, each called separately: one with libtorch's kernels
 * for fp32, the other with its kernels for int8. The speed-up of the second is the most that a
 * machine can give a model of these layers.
 *
 * <p>Linear layers are {@code aten::linear} and {@code quantized::linear_dynamic}; convolutions are
 * {@code aten::conv2d} and {@code onednn::qconv2d_pointwise} on inputs from 0 to 5, as after a
 * ReLU, with that range given. The other operations of models are left out: norms, attention,
 * look-ups, the ranges of single rows.
 *
 * @param layers the layers
 */
record ScriptKernels(List<Layer> layers) {

  private static final String PACKAGE = "__torch__.kernels.";
  private static final String CODE =
      """
      class Linear(Module):
        __parameters__ = ["weight", "bias", ]
        __buffers__ = []
        training : bool
        weight : Tensor
        bias : Tensor
        def forward(self: __torch__.kernels.Linear,
          x: Tensor) -> Tensor:
          return torch.linear(x, self.weight, self.bias)
      class Int8Linear(Module):
        training : bool
        pack : __torch__.torch.classes.quantized.LinearPackedParamsBase
        def forward(self: __torch__.kernels.Int8Linear,
          x: Tensor) -> Tensor:
          return ops.quantized.linear_dynamic(x, self.pack, False)
        def __getstate__(self: __torch__.kernels.Int8Linear) -> Tuple[Tensor, Tensor]:
          weight, bias = ops.quantized.linear_unpack(self.pack)
          return (torch.dequantize(weight), unchecked_cast(Tensor, bias))
        def __setstate__(self: __torch__.kernels.Int8Linear,
          state: Tuple[Tensor, Tensor]) -> NoneType:
          weight, bias = state
          scale = torch.div(torch.amax(torch.abs(weight), [1]), 127)
          zero = torch.zeros([torch.size(weight, 0)], dtype=4)
          codes = torch.quantize_per_channel(weight, scale, zero, 0, 12)
          self.pack = ops.quantized.linear_prepack(codes, bias)
          self.training = False
          return None
      class Conv(Module):
        __parameters__ = ["weight", "bias", ]
        __buffers__ = []
        training : bool
        weight : Tensor
        bias : Tensor
        def forward(self: __torch__.kernels.Conv,
          x: Tensor) -> Tensor:
          side = torch.size(self.weight, 2) // 2
          return torch.conv2d(x, self.weight, self.bias, [1, 1], [side, side], [1, 1], 1)
      class Int8Conv(Module):
        training : bool
        weight : Tensor
        bias : Tensor
        pack : Tensor
        scale : Tensor
        zero : Tensor
        pad : List[int]
        def forward(self: __torch__.kernels.Int8Conv,
          x: Tensor) -> Tensor:
          codes = torch.int_repr(torch.quantize_per_tensor(x, 0.02, 0, 13))
          return ops.onednn.qconv2d_pointwise(codes, 0.02, 0, self.pack, self.scale, self.zero, self.bias, [1, 1], self.pad, [1, 1], 1, 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
        def __getstate__(self: __torch__.kernels.Int8Conv) -> Tuple[Tensor, Tensor]:
          return (self.weight, self.bias)
        def __setstate__(self: __torch__.kernels.Int8Conv,
          state: Tuple[Tensor, Tensor]) -> NoneType:
          weight, bias = state
          self.weight = weight
          self.bias = bias
          self.scale = torch.div(torch.amax(torch.abs(weight), [1, 2, 3]), 127)
          self.zero = torch.zeros([torch.size(weight, 0)], dtype=3)
          self.pad = [torch.size(weight, 2) // 2, torch.size(weight, 2) // 2]
          codes = torch.quantize_per_channel(weight, self.scale, torch.to(self.zero, 4), 0, 12)
          self.pack = ops.onednn.qconv_prepack(torch.int_repr(codes), self.scale, 1., 0, [1, 1], self.pad, [1, 1], 1, None)
          self.training = False
          return None
      """;

  /**
   * A layer.
   *
   * @param input the index of the model's argument that it takes
   * @param shape the shape of its weight: (out, in), or (out, in, side, side) for a convolution of
   *     stride 1 that keeps the size of its input
   */
  record Layer(int input, List<Long> shape) {

    Layer {
      shape = List.copyOf(shape);
      if (shape.size() != 2 && shape.size() != 4) {
        throw new IllegalArgumentException("neither a matrix nor a kernel of two axes: " + shape);
      }
    }

    private String type(boolean quantized) {
      return PACKAGE + (quantized ? "Int8" : "") + (shape.size() == 2 ? "Linear" : "Conv");
    }
  }

  ScriptKernels {
    layers = List.copyOf(layers);
  }

  /** {@return a number of linear layers of one shape, which take the same input} */
  static ScriptKernels linear(int count, long out, long in) {
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      layers.add(new Layer(0, List.of(out, in)));
    }
    return new ScriptKernels(layers);
  }

  /**
   * Writes one of the two models; both have the same random weights.
   *
   * @param quantized the int8 kernels
   * @param scale the standard deviation of the weights
   * @param mean their mean
   * @param to the archive
   */
  void write(boolean quantized, double scale, double mean, Path to) throws IOException {
    ScriptFile file = new ScriptFile().code("__torch__/kernels.py", CODE + net(quantized));
    Map<String, PickleObject> modules = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      long[] shape = layer.shape().stream().mapToLong(Long::longValue).toArray();
      PickleObject weight = file.tensor(scale, mean, shape);
      PickleObject bias = file.tensor(0, 0, shape[0]);
      String type = layer.type(quantized);
      modules.put(
          "layer" + i,
          quantized
              ? ScriptFile.restored(type, weight, bias)
              : ScriptFile.module(type, Map.of("weight", weight, "bias", bias)));
    }
    file.write(ScriptFile.module(PACKAGE + "Net", modules), to);
  }

  /** Returns all outputs: unused ones would not be computed. */
  private String net(boolean quantized) {
    int inputs = 1 + layers.stream().mapToInt(Layer::input).max().orElse(0);
    StringBuilder attributes = new StringBuilder();
    StringBuilder calls = new StringBuilder();
    StringBuilder outputs = new StringBuilder();
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      attributes.append("  layer%d : %s\n".formatted(i, layer.type(quantized)));
      calls.append("    layer%d = self.layer%d\n".formatted(i, i));
      outputs.append("(layer%d).forward(x%d, ), ".formatted(i, layer.input()));
    }
    StringBuilder parameters = new StringBuilder();
    for (int i = 0; i < inputs; i++) {
      parameters.append(",\n    x").append(i).append(": Tensor");
    }
    return "class Net(Module):\n  training : bool\n"
        + attributes
        + "  def forward(self: __torch__.kernels.Net"
        + parameters
        + ") -> List[Tensor]:\n"
        + calls
        + "    return ["
        + outputs
        + "]\n";
  }
}
