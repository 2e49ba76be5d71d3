package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model whose program can be written so that its weights observe their inputs, to collect
 * statistics for calibration. Found with {@link ModelSource#find}.
 *
 * <p>The written file computes what the original computes: every call stays as it is. The sums are
 * parameters of its modules, which the engine returns by name, PREFIX.SUM, with the sums:
 *
 * <pre>
 * totals    FLOAT64 (8)                see {@link Total}
 * squares   FLOAT64 (columns)          sums of squares of the columns of input rows
 * products  FLOAT32 (columns, columns) sum of x xT over input rows x, if asked for, else (0, 0)
 * bins      FLOAT64 (bins)             the histogram, if asked for, else (0)
 * looks     FLOAT64 (rows)             how often each row of a table was looked up, else (0)
 * lows      FLOAT64 (columns)          the least number of each column of input rows
 * highs     FLOAT64 (columns)          the greatest number of each column
 * </pre>
 *
 * <p>They are zero when the file is loaded, and each call of the model adds to them. Calls whose
 * input is not finite are left out and counted. What this does not do: it runs nothing.
 */
public interface ObservableModel {

  /** The names of the sums, in order. */
  List<String> SUMS = List.of("totals", "squares", "products", "bins", "looks", "lows", "highs");

  /** The numbers in {@code totals}, in order. */
  enum Total {
    /** Input rows; places times groups for a convolution, and indices for a table. */
    ROWS(0),
    /** Calls that were observed. */
    CALLS(1),
    /** Calls that were left out because a number of the input is not finite. */
    LEFT_OUT(2),
    /** The least number. */
    LEAST(3),
    /** The greatest number. */
    GREATEST(4),
    /** Moving average of the least number of a call: each call moves it by .01 of the distance. */
    AVERAGE_LEAST(5),
    /** Moving average of the greatest number of a call. */
    AVERAGE_GREATEST(6),
    /** Numbers of all inputs, without the padding of a convolution. */
    NUMBERS(7);

    private final int index;

    Total(int index) {
      this.index = index;
    }

    /**
     * {@return the number}
     *
     * @param totals all totals of an input
     */
    public double of(double[] totals) {
      return totals[index];
    }
  }

  /**
   * An input that can be observed.
   *
   * @param weight the name of the weight that it is multiplied by, convolved with, or looks up
   * @param columns the columns of the weight matrix, in whose order the numbers of an input row
   *     are: those of a convolution are the input channels of a group times the kernel, after
   *     unfolding; 0 for a table alone
   * @param rows the rows of a table; 0 if no rows are looked up
   * @param kernel the kernel of a convolution; empty if there is none
   */
  record Input(String weight, long columns, long rows, Optional<Kernel> kernel) {

    /** Checks that nothing is null. */
    public Input {
      requireNonNull(weight, "weight");
      requireNonNull(kernel, "kernel");
    }
  }

  /**
   * The kernel of a convolution.
   *
   * @param sizes its sizes on two axes; a single axis is extended by one of length 1
   * @param groups the groups of channels; each group of a place is a row
   */
  record Kernel(List<Integer> sizes, int groups) {

    /** Copies the list. */
    public Kernel {
      sizes = List.copyOf(sizes);
    }
  }

  /**
   * What is observed of an input.
   *
   * @param input one of {@link #inputs}
   * @param products whether to add up the products of columns, in FLOAT32
   * @param bins the histogram of all numbers; empty for none
   */
  record Request(Input input, boolean products, Optional<Bins> bins) {

    /** Checks that nothing is null. */
    public Request {
      requireNonNull(input, "input");
      requireNonNull(bins, "bins");
    }
  }

  /**
   * Equal bins; numbers outside of them are not counted.
   *
   * @param count their number, at least 1
   * @param least the start of the first
   * @param greatest the end of the last, greater than {@code least}
   */
  record Bins(int count, double least, double greatest) {

    /** Checks that there are bins. */
    public Bins {
      if (count < 1 || !(least < greatest)) {
        throw new IllegalArgumentException(count + " bins from " + least + " to " + greatest);
      }
    }
  }

  /** {@return the inputs that can be observed, in the order of the tensors of the model} */
  List<Input> inputs();

  /**
   * {@return why inputs of layers are not observed, by the name of the weight; phrases without a
   * final period}
   */
  Map<String, String> unobserved();

  /**
   * Writes a program that observes, about as large as the model.
   *
   * @param requests what to observe
   * @param file the file to create or replace
   * @return the prefixes of the parameters, by the name of the weight
   * @throws IOException if writing fails
   */
  Map<String, String> write(List<Request> requests, Path file) throws IOException;
}
