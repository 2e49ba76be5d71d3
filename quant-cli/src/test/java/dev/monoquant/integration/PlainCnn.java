package dev.monoquant.integration;

import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** The inputs of the layers of the digits CNN, computed in double by loops over numbers. */
final class PlainCnn {

  private static final int SIDE = 8;
  private static final int PIXELS = SIDE * SIDE;

  private final SafetensorsFile weights;

  PlainCnn(SafetensorsFile weights) {
    this.weights = weights;
  }

  static float[] floats(SafetensorsFile file, String name) throws IOException {
    StoredTensor tensor = file.find(name).orElseThrow();
    ByteBuffer bytes =
        file.read(tensor, 0, Math.toIntExact(tensor.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  /** The input rows of features.0, features.3, classifier.1 and classifier.4 for an image. */
  List<double[][]> rows(float[] images, int image) throws IOException {
    double[] x = new double[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
      x[i] = images[image * PIXELS + i];
    }
    List<double[][]> rows = new ArrayList<>();
    double[] first = convolved(x, 1, "features.0", rows);
    float[] mean = floats(weights, "features.1.running_mean");
    float[] variance = floats(weights, "features.1.running_var");
    float[] scale = floats(weights, "features.1.weight");
    float[] shift = floats(weights, "features.1.bias");
    for (int c = 0; c < mean.length; c++) {
      for (int i = 0; i < PIXELS; i++) {
        double normal = (first[c * PIXELS + i] - mean[c]) / Math.sqrt(variance[c] + 1e-5);
        first[c * PIXELS + i] = Math.max(0, normal * scale[c] + shift[c]);
      }
    }
    double[] second = convolved(first, mean.length, "features.3", rows);
    double[] pooled = new double[second.length / 4];
    for (int i = 0; i < pooled.length; i++) {
      int c = i / 16;
      int at = c * PIXELS + i % 16 / 4 * 2 * SIDE + i % 4 * 2;
      pooled[i] =
          Math.max(
              0,
              Math.max(
                  Math.max(second[at], second[at + 1]),
                  Math.max(second[at + SIDE], second[at + SIDE + 1])));
    }
    rows.add(new double[][] {pooled});
    float[] matrix = floats(weights, "classifier.1.weight");
    float[] bias = floats(weights, "classifier.1.bias");
    double[] hidden = new double[bias.length];
    for (int r = 0; r < hidden.length; r++) {
      double sum = bias[r];
      for (int c = 0; c < pooled.length; c++) {
        sum += matrix[r * pooled.length + c] * pooled[c];
      }
      hidden[r] = Math.max(0, sum);
    }
    rows.add(new double[][] {hidden});
    return rows;
  }

  /** A convolution of 3x3 with padding 1; adds its input rows, one for each place. */
  private double[] convolved(double[] x, int channels, String layer, List<double[][]> rows)
      throws IOException {
    double[][] places = new double[PIXELS][channels * 9];
    for (int place = 0; place < PIXELS; place++) {
      for (int column = 0; column < channels * 9; column++) {
        int y = place / SIDE + column % 9 / 3 - 1;
        int z = place % SIDE + column % 3 - 1;
        boolean inside = y >= 0 && y < SIDE && z >= 0 && z < SIDE;
        places[place][column] = inside ? x[column / 9 * PIXELS + y * SIDE + z] : 0;
      }
    }
    rows.add(places);
    float[] kernel = floats(weights, layer + ".weight");
    float[] bias = floats(weights, layer + ".bias");
    double[] out = new double[bias.length * PIXELS];
    for (int r = 0; r < bias.length; r++) {
      for (int place = 0; place < PIXELS; place++) {
        double sum = bias[r];
        for (int column = 0; column < channels * 9; column++) {
          sum += kernel[r * channels * 9 + column] * places[place][column];
        }
        out[r * PIXELS + place] = sum;
      }
    }
    return out;
  }
}
