package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import dev.monoquant.ValidationException;
import dev.monoquant.core.text.Text;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures how far apart the outputs of one model are when it runs again on the same inputs. The
 * outputs of a model that draws random numbers or counts its calls differ legitimately; those of a
 * model that reads uninitialised memory differ too. Not thread-safe.
 */
final class RunSpread {

  /**
   * The difference allowed to a result whose original has none; a changed order of sums causes far
   * less.
   */
  private static final double STEADY = 1e-3;

  /** The spreads of two samples of one distribution differ, but by less than this factor. */
  private static final double TIMES_REFERENCE = 4;

  /** Above this, comparisons with a model are unreliable. */
  private static final double UNSTEADY = 0.01;

  private final List<Double> spreads = new ArrayList<>();

  /** Adds the outputs of a model in its first run and in another run on the same inputs. */
  void add(NDList first, NDList again) {
    for (int i = 0; i < Math.max(first.size(), again.size()); i++) {
      boolean both = i < Math.min(first.size(), again.size());
      spreads.add(both ? spread(first.get(i), again.get(i)) : Double.POSITIVE_INFINITY);
    }
  }

  /**
   * The norm of the difference divided by the norm of the first; infinite if it cannot be computed.
   */
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
   * @param inputs the inputs of the call
   * @param reference the spread of the reference, on the same runs
   * @throws ValidationException if they do
   */
  void requireWithin(String name, String inputs, RunSpread reference) {
    for (int i = 0; i < spreads.size(); i++) {
      // The comparison has already reported a different number of outputs.
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
   * {@return a warning for a reference whose outputs differ from run to run; empty if they do not}
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
