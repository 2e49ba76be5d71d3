package dev.monoquant.io.scaling;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;

/** What blocks of transformers compute, in plain code: three tokens of {@value #WIDTH} numbers. */
final class PlainBlock {

  static final int WIDTH = 8;
  private static final int HEAD = 4;
  private static final int TOKENS = 3;

  private final Map<String, double[]> tensors;

  PlainBlock(Map<String, double[]> tensors) {
    this.tensors = tensors;
  }

  /** A model of FLOAT32 tensors. */
  static ModelInfo model(Map<String, TensorShape> shapes) {
    List<TensorInfo> all = new ArrayList<>();
    shapes.forEach((name, shape) -> all.add(new TensorInfo(name, ElementType.FLOAT32, shape)));
    return ModelInfo.of("plain", all);
  }

  /** The shapes of a block of Llama. */
  static Map<String, TensorShape> decoder(String prefix, int keyHeads, String feedForwardNorm) {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    shapes.put(prefix + "input_layernorm.weight", TensorShape.of(WIDTH));
    shapes.put(prefix + "self_attn.q_proj.weight", TensorShape.of(WIDTH, WIDTH));
    shapes.put(prefix + "self_attn.q_proj.bias", TensorShape.of(WIDTH));
    shapes.put(prefix + "self_attn.k_proj.weight", TensorShape.of((long) keyHeads * HEAD, WIDTH));
    shapes.put(prefix + "self_attn.v_proj.weight", TensorShape.of((long) keyHeads * HEAD, WIDTH));
    shapes.put(prefix + "self_attn.v_proj.bias", TensorShape.of((long) keyHeads * HEAD));
    shapes.put(prefix + "self_attn.o_proj.weight", TensorShape.of(WIDTH, WIDTH));
    shapes.put(prefix + feedForwardNorm + ".weight", TensorShape.of(WIDTH));
    return shapes;
  }

  static double[][] input(Random random) {
    double[][] x = new double[TOKENS][WIDTH];
    for (double[] token : x) {
      for (int i = 0; i < WIDTH; i++) {
        token[i] = random.nextGaussian();
      }
    }
    return x;
  }

  static double[] flat(double[][] x) {
    double[] all = new double[x.length * x[0].length];
    for (int i = 0; i < all.length; i++) {
      all[i] = x[i / x[0].length][i % x[0].length];
    }
    return all;
  }

  double[][] each(double[][] x, UnaryOperator<double[]> function) {
    double[][] y = new double[x.length][];
    for (int i = 0; i < x.length; i++) {
      y[i] = function.apply(x[i]);
    }
    return y;
  }

  double[] rmsNorm(String norm, double plus, double[] x) {
    double sum = 0;
    for (double value : x) {
      sum += value * value;
    }
    double scale = 1 / Math.sqrt(sum / x.length + 1e-6);
    double[] weight = tensors.get(norm + ".weight");
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = x[i] * scale * (weight[i] + plus);
    }
    return y;
  }

  double[] layerNorm(String norm, double[] x) {
    double mean = 0;
    for (double value : x) {
      mean += value / x.length;
    }
    double[] centred = x.clone();
    for (int i = 0; i < x.length; i++) {
      centred[i] -= mean;
    }
    double[] y = rmsNorm(norm, 0, centred);
    double[] bias = tensors.get(norm + ".bias");
    for (int i = 0; i < x.length; i++) {
      y[i] += bias[i];
    }
    return y;
  }

  double[] linear(String layer, double[] x) {
    double[] weight = tensors.get(layer + ".weight");
    double[] bias = tensors.get(layer + ".bias");
    double[] y = new double[weight.length / x.length];
    for (int row = 0; row < y.length; row++) {
      for (int c = 0; c < x.length; c++) {
        y[row] += weight[row * x.length + c] * x[c];
      }
      y[row] += bias == null ? 0 : bias[row];
    }
    return y;
  }

  static double[] plus(double[] a, double[] b) {
    double[] sum = a.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += b[i];
    }
    return sum;
  }

  static double[][] plus(double[][] a, double[][] b) {
    double[][] sum = new double[a.length][];
    for (int i = 0; i < a.length; i++) {
      sum[i] = plus(a[i], b[i]);
    }
    return sum;
  }

  static double[] softmax(double[] scores) {
    double sum = 0;
    double[] p = new double[scores.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp(scores[i]);
      sum += p[i];
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
    return p;
  }

  /** Attention of heads of {@value #HEAD} numbers, queries in groups if there are fewer keys. */
  double[][] attention(String q, String k, String v, double[][] x) {
    double[][] queries = each(x, token -> linear(q, token));
    double[][] keys = each(x, token -> linear(k, token));
    double[][] values = each(x, token -> linear(v, token));
    int group = queries[0].length / keys[0].length;
    double[][] y = new double[x.length][queries[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int head = 0; head < queries[0].length / HEAD; head++) {
        int at = head / group * HEAD;
        double[] scores = new double[x.length];
        for (int s = 0; s < x.length; s++) {
          for (int i = 0; i < HEAD; i++) {
            scores[s] += queries[t][head * HEAD + i] * keys[s][at + i] / 8;
          }
        }
        double[] p = softmax(scores);
        for (int s = 0; s < x.length; s++) {
          for (int i = 0; i < HEAD; i++) {
            y[t][head * HEAD + i] += p[s] * values[s][at + i];
          }
        }
      }
    }
    return y;
  }

  /** {@code down(silu(gate x) * up x)}. */
  double[] gated(String gate, String up, String down, double[] x) {
    double[] g = linear(gate, x);
    double[] u = linear(up, x);
    for (int i = 0; i < u.length; i++) {
      u[i] *= g[i] / (1 + Math.exp(-g[i]));
    }
    return linear(down, u);
  }

  /** A block of Llama or Gemma without the feed-forward part. */
  double[][] attend(String prefix, double plus, double[][] x) {
    double[][] n = each(x, token -> rmsNorm(prefix + "input_layernorm", plus, token));
    String part = prefix + "self_attn.";
    double[][] a = attention(part + "q_proj", part + "k_proj", part + "v_proj", n);
    return plus(x, each(a, token -> linear(part + "o_proj", token)));
  }
}
