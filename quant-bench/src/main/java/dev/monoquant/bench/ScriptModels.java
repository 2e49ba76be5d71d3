package dev.monoquant.bench;

import dev.monoquant.bench.ScriptKernels.Layer;
import dev.monoquant.files.pickle.PickleObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** TorchScript models of commonly deployed shapes, with random weights. */
final class ScriptModels {

  private static final String LINEAR = "__torch__.torch.nn.modules.linear.Linear";
  private static final String CONV = "__torch__.torch.nn.modules.conv.Conv2d";
  private static final String NORM = "__torch__.torch.nn.modules.normalization.LayerNorm";
  private static final String EMBEDDING = "__torch__.torch.nn.modules.sparse.Embedding";
  private static final int HIDDEN = 384;
  private static final int FFN = 1536;
  private static final long CLASSES = 1000;

  /** The channels in and out of each convolution; the second and the fourth are pooled. */
  private static final long[][] CHANNELS = {
    {64, 64}, {64, 128}, {128, 128}, {128, 256}, {256, 256}
  };

  private final ScriptFile file = new ScriptFile();

  private ScriptModels() {}

  /** Six layers of a BERT of width 384 over a table of 30522 rows; takes ids (batch, steps). */
  static void bert(Path to) throws IOException {
    ScriptModels m = new ScriptModels();
    m.linearClass();
    m.file
        .code(
            "__torch__/torch/nn/modules/normalization.py",
            weighted("LayerNorm", "torch.layer_norm(input, [384], weight, bias, 1e-05)", NORM))
        .code(
            "__torch__/torch/nn/modules/sparse.py",
            """
            class Embedding(Module):
              __parameters__ = ["weight", ]
              __buffers__ = []
              weight : Tensor
              training : bool
              def forward(self: __torch__.torch.nn.modules.sparse.Embedding,
                input: Tensor) -> Tensor:
                weight = self.weight
                return torch.embedding(weight, input)
            """)
        .code(
            "__torch__/bert.py",
            """
            class Block(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              q : __torch__.torch.nn.modules.linear.Linear
              k : __torch__.torch.nn.modules.linear.Linear
              v : __torch__.torch.nn.modules.linear.Linear
              o : __torch__.torch.nn.modules.linear.Linear
              up : __torch__.torch.nn.modules.linear.Linear
              down : __torch__.torch.nn.modules.linear.Linear
              norm1 : __torch__.torch.nn.modules.normalization.LayerNorm
              norm2 : __torch__.torch.nn.modules.normalization.LayerNorm
              def forward(self: __torch__.bert.Block,
                x: Tensor) -> Tensor:
                q = self.q
                k = self.k
                v = self.v
                o = self.o
                up = self.up
                down = self.down
                norm1 = self.norm1
                norm2 = self.norm2
                shape = [torch.size(x, 0), torch.size(x, 1), 12, 32]
                _0 = torch.transpose(torch.view((q).forward(x, ), shape), 1, 2)
                _1 = torch.transpose(torch.view((k).forward(x, ), shape), 1, 2)
                _2 = torch.transpose(torch.view((v).forward(x, ), shape), 1, 2)
                _3 = torch.div(torch.matmul(_0, torch.transpose(_1, -1, -2)), 5.656854249492381)
                _4 = torch.transpose(torch.matmul(torch.softmax(_3, -1), _2), 1, 2)
                _5 = torch.reshape(_4, [torch.size(x, 0), torch.size(x, 1), 384])
                _6 = (norm1).forward(torch.add(x, (o).forward(_5, )), )
                _7 = (down).forward(torch.gelu((up).forward(_6, )), )
                return (norm2).forward(torch.add(_6, _7), )
            class Bert(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              words : __torch__.torch.nn.modules.sparse.Embedding
              norm : __torch__.torch.nn.modules.normalization.LayerNorm
              b0 : __torch__.bert.Block
              b1 : __torch__.bert.Block
              b2 : __torch__.bert.Block
              b3 : __torch__.bert.Block
              b4 : __torch__.bert.Block
              b5 : __torch__.bert.Block
              def forward(self: __torch__.bert.Bert,
                input_ids: Tensor) -> Tensor:
                words = self.words
                norm = self.norm
                b0 = self.b0
                b1 = self.b1
                b2 = self.b2
                b3 = self.b3
                b4 = self.b4
                b5 = self.b5
                _0 = (norm).forward((words).forward(input_ids, ), )
                _1 = (b1).forward((b0).forward(_0, ), )
                _2 = (b3).forward((b2).forward(_1, ), )
                return (b5).forward((b4).forward(_2, ), )
            """);
    Map<String, PickleObject> root = new LinkedHashMap<>();
    root.put(
        "words",
        ScriptFile.module(EMBEDDING, Map.of("weight", m.file.tensor(0.05, 0, 30522, HIDDEN))));
    root.put("norm", m.norm());
    for (int i = 0; i < 6; i++) {
      Map<String, PickleObject> block = new LinkedHashMap<>();
      for (String name : new String[] {"q", "k", "v", "o"}) {
        block.put(name, m.linear(HIDDEN, HIDDEN));
      }
      block.put("up", m.linear(HIDDEN, FFN));
      block.put("down", m.linear(FFN, HIDDEN));
      block.put("norm1", m.norm());
      block.put("norm2", m.norm());
      root.put("b" + i, ScriptFile.module("__torch__.bert.Block", block));
    }
    m.file.write(ScriptFile.module("__torch__.bert.Bert", root), to);
  }

  /** Linear layers in a row with a ReLU between them; takes numbers (batch, width). */
  static void stack(int layers, long width, Path to) throws IOException {
    ScriptModels m = new ScriptModels();
    m.linearClass();
    Map<String, PickleObject> root = new LinkedHashMap<>();
    StringBuilder attributes = new StringBuilder();
    StringBuilder forward = new StringBuilder();
    for (int i = 1; i <= layers; i++) {
      root.put("fc" + i, m.linear(width, width));
      attributes.append("  fc%d : %s\n".formatted(i, LINEAR));
      forward.append("    fc%d = self.fc%d\n".formatted(i, i));
      String input = i == 1 ? "x" : "torch.relu(_%d)".formatted(i - 1);
      forward.append("    _%d = (fc%d).forward(%s, )\n".formatted(i, i, input));
    }
    m.file.code(
        "__torch__/stack.py",
        """
        class Stack(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
        %s  def forward(self: __torch__.stack.Stack,
            x: Tensor) -> Tensor:
        %s    return _%d
        """
            .formatted(attributes, forward, layers));
    m.file.write(ScriptFile.module("__torch__.stack.Stack", root), to);
  }

  /** The products of {@link #bert}; takes numbers (batch, steps, 384) and (batch, steps, 1536). */
  static ScriptKernels bertKernels() {
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      for (int square = 0; square < 4; square++) {
        layers.add(new Layer(0, List.of((long) HIDDEN, (long) HIDDEN)));
      }
      layers.add(new Layer(0, List.of((long) FFN, (long) HIDDEN)));
      layers.add(new Layer(1, List.of((long) HIDDEN, (long) FFN)));
    }
    return new ScriptKernels(layers);
  }

  /**
   * The layers of {@link #convolutions}; takes images (batch, 64, side, side), (batch, 128, side /
   * 2, side / 2) and (batch, 256, side / 4, side / 4), and numbers (batch, 256).
   */
  static ScriptKernels convolutionKernels() {
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < CHANNELS.length; i++) {
      layers.add(new Layer(i / 2, List.of(CHANNELS[i][1], CHANNELS[i][0], 3L, 3L)));
    }
    layers.add(new Layer(3, List.of(CLASSES, 256L)));
    return new ScriptKernels(layers);
  }

  /** Five 3x3 convolutions and a head; takes images (batch, 64, side, side). */
  static void convolutions(Path to) throws IOException {
    ScriptModels m = new ScriptModels();
    m.linearClass();
    m.file
        .code(
            "__torch__/torch/nn/modules/conv.py",
            weighted(
                "Conv2d",
                "torch._convolution(input, weight, bias, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,"
                    + " False, False, True, True)",
                CONV))
        .code(
            "__torch__/conv.py",
            """
            class Net(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              c1 : __torch__.torch.nn.modules.conv.Conv2d
              c2 : __torch__.torch.nn.modules.conv.Conv2d
              c3 : __torch__.torch.nn.modules.conv.Conv2d
              c4 : __torch__.torch.nn.modules.conv.Conv2d
              c5 : __torch__.torch.nn.modules.conv.Conv2d
              head : __torch__.torch.nn.modules.linear.Linear
              def forward(self: __torch__.conv.Net,
                x: Tensor) -> Tensor:
                c1 = self.c1
                c2 = self.c2
                c3 = self.c3
                c4 = self.c4
                c5 = self.c5
                head = self.head
                _0 = torch.relu((c1).forward(x, ))
                _1 = torch.max_pool2d(torch.relu((c2).forward(_0, )), [2, 2], [2, 2])
                _2 = torch.relu((c3).forward(_1, ))
                _3 = torch.max_pool2d(torch.relu((c4).forward(_2, )), [2, 2], [2, 2])
                _4 = torch.relu((c5).forward(_3, ))
                return (head).forward(torch.mean(_4, [2, 3]), )
            """);
    Map<String, PickleObject> root = new LinkedHashMap<>();
    for (int i = 0; i < CHANNELS.length; i++) {
      long in = CHANNELS[i][0];
      long out = CHANNELS[i][1];
      Map<String, PickleObject> conv = new LinkedHashMap<>();
      conv.put("weight", m.file.tensor(Math.sqrt(2.0 / (9 * in)), 0, out, in, 3, 3));
      conv.put("bias", m.file.tensor(0.02, 0, out));
      root.put("c" + (i + 1), ScriptFile.module(CONV, conv));
    }
    root.put("head", m.linear(256, CLASSES));
    m.file.write(ScriptFile.module("__torch__.conv.Net", root), to);
  }

  private void linearClass() {
    file.code(
        "__torch__/torch/nn/modules/linear.py",
        weighted("Linear", "torch.linear(input, weight, bias)", LINEAR));
  }

  private PickleObject linear(long in, long out) {
    Map<String, PickleObject> linear = new LinkedHashMap<>();
    linear.put("weight", file.tensor(Math.sqrt(2.0 / in), 0, out, in));
    linear.put("bias", file.tensor(0.02, 0, out));
    return ScriptFile.module(LINEAR, linear);
  }

  private PickleObject norm() {
    Map<String, PickleObject> norm = new LinkedHashMap<>();
    norm.put("weight", file.tensor(0.1, 1, HIDDEN));
    norm.put("bias", file.tensor(0.02, 0, HIDDEN));
    return ScriptFile.module(NORM, norm);
  }

  private static String weighted(String name, String result, String type) {
    return """
        class %s(Module):
          __parameters__ = ["weight", "bias", ]
          __buffers__ = []
          weight : Tensor
          bias : Tensor
          training : bool
          def forward(self: %s,
            input: Tensor) -> Tensor:
            weight = self.weight
            bias = self.bias
            return %s
        """
        .formatted(name, type, result);
  }
}
