package dev.monoquant.testkit.watch;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.TensorSink;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An output format, watched. */
final class WatchedOutput implements OutputFormat {

  private final OutputFormat inside;
  private final Watch watch;

  WatchedOutput(OutputFormat inside, Watch watch) {
    this.inside = inside;
    this.watch = watch;
  }

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public boolean suits(Path target) {
    return inside.suits(target);
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    return inside.refusal(weight);
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight, TensorSource source) {
    return inside.refusal(weight, source);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public Map<String, String> remarks(OutputRequest request) {
    return inside.remarks(request);
  }

  @Override
  public long predictBytes(OutputRequest request) {
    return inside.predictBytes(request);
  }

  @Override
  public TensorSink open(OutputRequest request) throws IOException {
    for (EncodedWeight weight : request.weights()) {
      inside
          .refusal(weight, request.source())
          .ifPresent(
              why ->
                  watch.note("output " + id(), weight.name() + " is to be written, though " + why));
    }
    return new WatchedSink(inside.open(request), request, "output " + id(), watch);
  }
}
