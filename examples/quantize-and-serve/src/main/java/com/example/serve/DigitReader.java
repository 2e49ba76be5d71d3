package com.example.serve;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.TranslateException;
import ai.djl.translate.TranslatorContext;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.Quantizer;
import java.nio.file.Path;

/** What runs all day: reads digits of 8 x 8 pixels with the small model. */
public final class DigitReader implements AutoCloseable {

  private final Model model = Model.newInstance("digits", "PyTorch");
  private final Predictor<float[], Integer> predictor;

  /**
   * Loads the model.
   *
   * @param quantized what {@link Deploy} made
   */
  public DigitReader(Path quantized) {
    try (QuantizedModel weights = Quantizer.create().load(quantized)) {
      model.setBlock(weights.toBlock(Mlp::new, model.getNDManager()));
    }
    predictor = model.newPredictor(new Pixels());
  }

  /**
   * Reads a digit.
   *
   * @param pixels 64 numbers from 0 (white) to 1 (black), row by row
   * @return 0 to 9
   * @throws TranslateException if there are not 64 of them
   */
  public int read(float... pixels) throws TranslateException {
    return predictor.predict(pixels);
  }

  private static final class Pixels implements NoBatchifyTranslator<float[], Integer> {
    @Override
    public NDList processInput(TranslatorContext context, float[] pixels) {
      NDArray row = context.getNDManager().create(pixels).reshape(1, pixels.length);
      return new NDList(row);
    }

    @Override
    public Integer processOutput(TranslatorContext context, NDList outputs) {
      return (int) outputs.singletonOrThrow().argMax(1).getLong();
    }
  }

  @Override
  public void close() {
    predictor.close();
    model.close();
  }
}
