package dev.monoquant.spi;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The options of edits, which move factors of the inputs of layers into their weights before they
 * are quantized. They hold for the whole model. Every {@link ScaleMapping} has them.
 */
public final class EditOptions {

  /** No edit, the default. */
  public static final String NONE = "none";

  /** Factors that keep the columns of large inputs precise. */
  public static final String AWQ = "awq";

  /** Factors that bring the ranges of inputs and weights together. */
  public static final String SMOOTHQUANT = "smoothquant";

  /** The value of {@link #ALPHA} that stands for the best one. */
  public static final String SEARCH = "search";

  /** The steps from 0 to 1 of {@link #ALPHA}. */
  public static final int STEPS = 20;

  /** The option {@code edit}. */
  public static final OptionSpec<String> EDIT =
      OptionSpec.choice(
              "edit",
              NONE,
              List.of(NONE, AWQ, SMOOTHQUANT),
              "How columns of weights are scaled, and the norms before them divided")
          .implied();

  /** The option {@code alpha}: a number of {@link #alphas}, or {@link #SEARCH}. */
  public static final OptionSpec<String> ALPHA =
      OptionSpec.choice(
              "alpha", SEARCH, words(), "The power of the inputs in the factors of an edit")
          .implied();

  private EditOptions() {}

  /** {@return both options} */
  public static List<OptionSpec<?>> all() {
    return List.of(EDIT, ALPHA);
  }

  /** {@return the powers that are tried, from 0 to 1} */
  public static double[] alphas() {
    double[] alphas = new double[STEPS + 1];
    for (int i = 0; i <= STEPS; i++) {
      alphas[i] = (double) i / STEPS;
    }
    return alphas;
  }

  private static List<String> words() {
    List<String> words = new ArrayList<>(List.of(SEARCH));
    for (double alpha : alphas()) {
      String text = String.format(Locale.ROOT, "%.2f", alpha);
      words.add(
          text.endsWith(".00")
              ? text.substring(0, text.length() - 3)
              : text.endsWith("0") ? text.substring(0, text.length() - 1) : text);
    }
    return words;
  }
}
