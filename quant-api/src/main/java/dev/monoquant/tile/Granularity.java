package dev.monoquant.tile;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.QuantException;
import java.util.List;

/**
 * How many values share one scale. For a weight of (rows, cols):
 *
 * <table>
 * <caption>shape of the scales</caption>
 * <tr><td>{@link PerTensor}</td><td>(1)</td></tr>
 * <tr><td>{@link PerChannel}</td><td>(rows, 1)</td></tr>
 * <tr><td>{@link PerGroup} of n</td><td>(rows, cols / n)</td></tr>
 * <tr><td>{@link PerBlock} of r x c</td><td>(ceil(rows / r), ceil(cols / c))</td></tr>
 * </table>
 */
public sealed interface Granularity {

  /** One scale for the whole tensor. */
  record PerTensor() implements Granularity {
    @Override
    public String wire() {
      return "tensor";
    }

    @Override
    public long columns(long cols) {
      return cols;
    }
  }

  /** One scale for each row, that is for each output channel. */
  record PerChannel() implements Granularity {
    @Override
    public String wire() {
      return "channel";
    }

    @Override
    public long columns(long cols) {
      return cols;
    }
  }

  /**
   * One scale for each run of {@code size} columns in each row.
   *
   * @param size columns in a group, at least 1
   */
  record PerGroup(int size) implements Granularity {

    /** Checks the size. */
    public PerGroup {
      if (size < 1) {
        throw new ConfigurationException(
            "group size " + size + ": at least 1 is allowed, for example group:128");
      }
    }

    @Override
    public String wire() {
      return "group:" + size;
    }

    @Override
    public long columns(long cols) {
      return size;
    }
  }

  /**
   * One scale for each block of {@code rows} x {@code cols}; the last block of a row or column
   * holds the remainder.
   *
   * @param rows rows in a block, at least 1
   * @param cols columns in a block, at least 1
   */
  record PerBlock(int rows, int cols) implements Granularity {

    /** Checks both sides. */
    public PerBlock {
      if (rows < 1 || cols < 1) {
        throw new ConfigurationException(
            "block of "
                + rows
                + " x "
                + cols
                + ": at least 1 x 1 is allowed, for example block:128x128");
      }
    }

    @Override
    public String wire() {
      return "block:" + rows + "x" + cols;
    }

    @Override
    public long columns(long cols) {
      return this.cols;
    }
  }

  /** One scale for the whole tensor. */
  Granularity TENSOR = new PerTensor();

  /** One scale for each row. */
  Granularity CHANNEL = new PerChannel();

  /**
   * {@return one scale for each group}
   *
   * @param size columns in a group
   */
  static Granularity group(int size) {
    return new PerGroup(size);
  }

  /**
   * {@return one scale for each block}
   *
   * @param rows rows in a block
   * @param cols columns in a block
   */
  static Granularity block(int rows, int cols) {
    return new PerBlock(rows, cols);
  }

  /**
   * {@return the stable text: {@code tensor}, {@code channel}, {@code group:128} or {@code
   * block:128x128}}
   */
  String wire();

  /**
   * The number of columns of a row that share a scale: N for {@code group:N}, C for {@code
   * block:RxC}, otherwise all.
   *
   * @param cols columns of the weight
   * @return columns, at least 1; more than the weight has if its only group is incomplete
   */
  long columns(long cols);

  /**
   * Parses the text that {@link #wire()} returns.
   *
   * @param text {@code tensor}, {@code channel}, {@code group:N} or {@code block:RxC}
   * @return the granularity
   * @throws ConfigurationException for anything else; the message lists the allowed forms
   */
  static Granularity parse(String text) {
    return switch (text) {
      case "tensor" -> TENSOR;
      case "channel" -> CHANNEL;
      default -> {
        if (text.matches("group:[1-9][0-9]{0,8}")) {
          yield group(Integer.parseInt(text.substring("group:".length())));
        }
        if (text.matches("block:[1-9][0-9]{0,8}x[1-9][0-9]{0,8}")) {
          int x = text.indexOf('x');
          int rows = Integer.parseInt(text.substring("block:".length(), x));
          yield block(rows, Integer.parseInt(text.substring(x + 1)));
        }
        throw new ConfigurationException(
            "granularity "
                + QuantException.quote(text)
                + " is not known; allowed are tensor, channel, group:N and block:RxC, for example"
                + " group:128 or block:128x128"
                + Nearest.of(text, List.of("tensor", "channel"))
                    .map(near -> ". Did you mean " + near + "?")
                    .orElse(""));
      }
    };
  }
}
