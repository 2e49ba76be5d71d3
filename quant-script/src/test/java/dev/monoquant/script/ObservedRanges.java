package dev.monoquant.script;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ObservableModel.Input;
import dev.monoquant.spi.ObservableModel.Request;
import dev.monoquant.spi.ObservableModel.Total;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The least and greatest inputs of the weights of an archive. */
final class ObservedRanges {

  private ObservedRanges() {}

  /** {@return the ranges by weight, for the input of a seed; tables have none} */
  static Map<String, double[]> of(Fixtures fixture, long seed) throws Exception {
    ScriptArchive archive = fixture.archive();
    Script script = new Script(archive.program(), "test", ReadLimits.DEFAULT);
    List<Request> requests = new ArrayList<>();
    for (TensorInfo tensor : ObserversTest.tensors(script, archive.program())) {
      script
          .rewriter()
          .observed(tensor)
          .filter(i -> i.columns() > 0)
          .ifPresent((Input i) -> requests.add(new Request(i, false, Optional.empty())));
    }
    Observers observers = script.rewriter().observe(requests);
    Map<String, double[]> ranges = new TreeMap<>();
    try (Torch observing = Torch.load(archive.with(observers.program()))) {
      observing.run(fixture.input(), seed);
      Map<String, double[]> sums = observing.parameters();
      observers
          .prefixes()
          .forEach(
              (weight, prefix) -> {
                double[] totals = sums.get(prefix + ".totals");
                if (Total.CALLS.of(totals) > 0) {
                  ranges.put(
                      weight, new double[] {Total.LEAST.of(totals), Total.GREATEST.of(totals)});
                }
              });
    }
    return ranges;
  }
}
