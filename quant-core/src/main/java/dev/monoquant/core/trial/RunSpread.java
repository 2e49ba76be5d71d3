package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import dev.monoquant.ValidationException;
import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.List;

/**
 * How far apart the outputs of one model are when it runs on the same inputs again. A model that
 * draws random numbers or counts its calls differs from run to run by right; one that reads memory
 * before it was written does too. Not thread-safe.
 */
final class RunSpread {

  /** What a result may differ where the original does not; a changed order of sums is far below. */
  private static final double STEADY = 1e-3;

  /** Two draws of one distribution differ in how far apart they are, and not by this much. */
  private static final double TIMES_REFERENCE = 4;

  /** Above this, comparisons with a model tell little. */
  private static final double UNSTEADY = 0.01;

  private final List<Double> spreads = new ArrayList<>();

  /** Adds what a model gave in its first run, and in another one on the same inputs. */
  void add(NDList first, NDList again) {
    for (int i = 0; i < Math.max(first.size(), again.size()); i++) {
      boolean both = i < Math.min(first.size(), again.size());
      spreads.add(both ? spread(first.get(i), again.get(i)) : Double.POSITIVE_INFINITY);
    }
  }

  /** The norm of the difference by that of the first; infinite where that cannot be told. */
  private static double spread(NDArray first, NDArray again) {
    if (!first.getShape().equals(again.getShape()) || first.getDataType() != again.getDataType()) {
      return Double.POSITIVE_INFINITY;
    }
    double[] wanted = OutputMeter.doubles(first);
    double[] got = OutputMeter.doubles(again);
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < wanted.length; i++) {
      boolean finite = Double.isFinite(wanted[i]);
      if (finite && Double.isFinite(got[i])) {
        signal += wanted[i] * wanted[i];
        noise += (wanted[i] - got[i]) * (wanted[i] - got[i]);
      } else if (Double.compare(wanted[i], got[i]) != 0) {
        return Double.POSITIVE_INFINITY;
      }
    }
    return noise == 0 ? 0 : Math.sqrt(noise / signal);
  }

  /**
   * Refuses a model whose runs differ by more than those of the reference.
   *
   * @param name the model
   * @param inputs what it was called with
   * @param reference that of the reference, on the same runs
   * @throws ValidationException if so
   */
  void requireWithin(String name, String inputs, RunSpread reference) {
    for (int i = 0; i < spreads.size(); i++) {
      // Where there are more outputs than those of the reference, the comparison has said so.
      double own = i < reference.spreads.size() ? reference.spreads.get(i) : 0;
      double spread = spreads.get(i);
      if (spread > Math.max(STEADY, TIMES_REFERENCE * own)) {
        throw new ValidationException(
            name
                + ": run on the same inputs again ("
                + inputs
                + "), its outputs differ by "
                + percent(spread)
                + ", those of the original by "
                + percent(own)
                + ": it reads memory that nothing was written to, or draws random numbers of its"
                + " own. Execute it without int8 kernels (--option mode=weight-only), or exclude"
                + " the layers that are at fault");
      }
    }
  }

  /**
   * {@return what to say of a reference that does not give the same each time; empty if it does}
   */
  String unsteady() {
    double worst = spreads.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    return worst <= UNSTEADY
        ? ""
        : ", on which the original itself differs by "
            + percent(worst)
            + " from run to run: it draws random numbers, as dropout does in a model that was saved"
            + " in training mode (call eval() before torch.jit.trace or torch.jit.script), or counts"
            + " its calls";
  }

  private static String percent(double part) {
    return Double.isInfinite(part) ? "more than can be told" : Text.format("%.3g %%", 100 * part);
  }
}
