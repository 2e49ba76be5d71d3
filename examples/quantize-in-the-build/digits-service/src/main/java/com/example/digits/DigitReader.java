package com.example.digits;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** Reads digits with the model in the jar. For one thread. */
public final class DigitReader implements AutoCloseable {

  /** The small model, which the build has made. */
  static final String MODEL = "/models/digits-int8.pt";

  private final Model model = Model.newInstance("digits");
  private final NDManager manager = NDManager.newBaseManager();
  private final Predictor<NDList, NDList> predictor;

  public DigitReader() throws IOException, MalformedModelException {
    try (InputStream in =
        Objects.requireNonNull(DigitReader.class.getResourceAsStream(MODEL), MODEL)) {
      model.load(in);
    }
    predictor = model.newPredictor(new NoopTranslator());
  }

  /**
   * @param pixels 8 rows of 8 pixels, 0 to 1
   * @return the digit
   */
  public int read(float[] pixels) throws TranslateException {
    try (NDManager scope = manager.newSubManager()) {
      NDList scores =
          predictor.predict(new NDList(scope.create(pixels, new Shape(1, 1, 8, 8))));
      return (int) scores.singletonOrThrow().argMax().getLong();
    }
  }

  @Override
  public void close() {
    predictor.close();
    manager.close();
    model.close();
  }
}
