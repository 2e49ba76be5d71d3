package com.example.digits;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Reads digits that the model was not trained on, with the model as it will be packaged. */
class DigitReaderTest {

  @Test
  void readsDigitsWithTheModelOfTheJar() throws Exception {
    try (DigitReader reader = new DigitReader()) {
      for (int digit : new int[] {0, 3, 6, 7}) {
        assertEquals(digit, reader.read(pixels(digit)));
      }
    }
  }

  private static float[] pixels(int digit) {
    String[] levels = image(digit).trim().split("\\s+");
    float[] pixels = new float[levels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = Integer.parseInt(levels[i]) / 16f;
    }
    return pixels;
  }

  private static String image(int digit) {
    return switch (digit) {
      case 3 ->
          """
           0  2 13 16 16 15  4  0
           0  7 12  8  8 16 12  0
           0  0  0  0  8 16  7  0
           0  0  0  0 14 10  0  0
           0  0  0  0 12 15  3  0
           0  0  0  0  2 16 11  0
           0  0  4  4  7 16 10  0
           0  2 15 16 16 12  1  0
          """;
      case 6 ->
          """
           0  0  0 14  4  0  0  0
           0  0  6 13  1  0  0  0
           0  0 15  4  0  0  0  0
           0  4 16  7  4  2  0  0
           0  8 16 11  9 15  5  0
           0  5 14  1  0 10  9  0
           0  0 11 12  5 13  5  0
           0  0  1 13 16  9  0  0
          """;
      case 0 ->
          """
           0  0  1 13 12  5  0  0
           0  0 11 16  4 13  2  0
           0  2 16  4  0  8  5  0
           0  7 12  0  0  8  8  0
           0  6 12  0  0  5  8  0
           0  3 16  0  0  8  7  0
           0  1 15  8  6 15  3  0
           0  0  2 13 15  6  0  0
          """;
      case 7 ->
          """
           0  0  5 13 16 16  6  0
           0  0 12  6  4 13  9  0
           0  0  0  0  1 15  3  0
           0  0  0  2 10 13  2  0
           0  2 12 16 16 12  5  0
           0  1  6  9 11  0  0  0
           0  0  0 15  1  0  0  0
           0  0  6 11  0  0  0  0
          """;
      default -> throw new IllegalArgumentException("no image of " + digit);
    };
  }
}
