package dev.monoquant.script;

import dev.monoquant.spi.OptionValues;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.BiFunction;

/** Archives that torch 2.13 wrote, with their inputs. */
enum Fixtures {
  BERT_TRACED("bert-traced", "i2x9<120", 0.05),
  BERT_FROZEN("bert-frozen", "i2x9<120", 0.05),
  GPT2_TRACED("gpt2-traced", "i2x9<120", 0.08),
  TIED_TRACED("tied-traced", "i2x7<60", 0.05),
  TIED_SCRIPTED("tied-scripted", "i2x7<60", 0.05),
  CONV2D_SCRIPTED("conv2d-scripted", "f2x4x11x9", 0.06),
  CONV2D_TRACED("conv2d-traced", "f2x4x11x9", 0.06),
  CONV2D_FROZEN("conv2d-frozen", "f2x4x11x9", 0.06),
  CONV1D_TRACED("conv1d-traced", "f2x8x33", 0.05),
  CONV1D_SCRIPTED("conv1d-scripted", "f2x8x33", 0.05),
  HALF_TRACED("half-traced", "h2x5x32", 0.05),
  BFLOAT16_SCRIPTED("bfloat16-scripted", "f2x5x32", 0.05),
  LSTM_SCRIPTED("lstm-scripted", "f2x6x12", 0.05),
  GRU_TRACED("gru-traced", "f2x6x12", 0.05),
  GRU_SCRIPTED("gru-scripted", "f2x6x12", 0.05),
  ATTENTION_SCRIPTED("attention-scripted", "f2x5x32", 0.05),
  ENCODER_SCRIPTED("encoder-scripted", "f2x5x32", 0.05),
  ENCODER_TRACED("encoder-traced", "f2x5x32", 0.05),
  LIST_SCRIPTED("list-scripted", "f2x24", 0.05),
  DIGITS_CNN_TRACED("digits-cnn-traced", "f4x1x8x8", 0.05),
  DIGITS_CNN_SCRIPTED("digits-cnn-scripted", "f4x1x8x8", 0.05),
  DIGITS_LSTM_TRACED("digits-lstm-traced", "f4x1x8x8", 0.05),
  DIGITS_LSTM_SCRIPTED("digits-lstm-scripted", "f4x1x8x8", 0.05),
  DIGITS_TRANSFORMER_TRACED("digits-transformer-traced", "i4x64<17", 0.05),
  DIGITS_TRANSFORMER_SCRIPTED("digits-transformer-scripted", "i4x64<17", 0.05);

  private final String file;
  private final String input;
  private final double tolerance;

  Fixtures(String file, String input, double tolerance) {
    this.file = file;
    this.input = input;
    this.tolerance = tolerance;
  }

  String input() {
    return input;
  }

  /** {@return the greatest relative error of 8-bit weights and activations} */
  double tolerance() {
    return tolerance;
  }

  /** {@return the axis of the outputs: GPT-2 keeps its matrices transposed} */
  int rowAxis(String weight) {
    return this == GPT2_TRACED && weight.matches(".*\\.c_(attn|proj|fc)\\.weight") ? 1 : 0;
  }

  ScriptArchive archive() throws IOException {
    try {
      return ScriptArchive.read(
          Path.of(Objects.requireNonNull(Fixtures.class.getResource(file + ".pt"), file).toURI()));
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  /** All weights of it, quantized. */
  /** What the archive itself gives for the input of seed 1. */
  float[] output() throws Exception {
    try (Torch original = Torch.load(archive())) {
      return original.run(input, 1);
    }
  }

  /**
   * The archive with all weights that have inputs in int8.
   *
   * @param options of the least and greatest input of a weight
   */
  Quantized ranged(BiFunction<Double, Double, OptionValues> options) throws Exception {
    Quantized quantized = new Quantized(archive());
    ObservedRanges.of(this, 1)
        .forEach(
            (name, range) ->
                quantized.add(
                    name, rowAxis(name), PlainScheme.INT8, options.apply(range[0], range[1])));
    return quantized;
  }

  Quantized quantized(PlainScheme scheme, Mode mode) throws IOException {
    return quantized(scheme, mode, Kernels.LASTING);
  }

  Quantized quantized(PlainScheme scheme, Mode mode, Kernels kernels) throws IOException {
    Quantized quantized = new Quantized(archive());
    for (String name : quantized.candidates()) {
      quantized.add(name, rowAxis(name), scheme, Quantized.options(mode, kernels, 0));
    }
    return quantized;
  }
}
