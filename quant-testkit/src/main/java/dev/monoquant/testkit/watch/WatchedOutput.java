package dev.monoquant.testkit.watch;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import java.io.IOException;

/** An output format, watched. */
final class WatchedOutput extends ForwardingOutput {

  private final Watch watch;

  WatchedOutput(OutputFormat inside, Watch watch) {
    super(inside);
    this.watch = watch;
  }

  @Override
  public OutputWriter open(OutputRequest request) throws IOException {
    for (EncodedWeight weight : request.weights()) {
      super.refusal(weight, request.source())
          .ifPresent(
              why ->
                  watch.note("output " + id(), weight.name() + " is to be written, though " + why));
    }
    return new WatchedSink(super.open(request), request, "output " + id(), watch);
  }
}
