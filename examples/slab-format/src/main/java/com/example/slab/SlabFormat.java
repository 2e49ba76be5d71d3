package com.example.slab;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;

/** Reads what {@link SlabOutput} writes. Stateless and thread-safe. */
public final class SlabFormat implements InputFormatDetector {

  private static final String FIRST = "layer-00000.slab";

  @Override
  public String id() {
    return "example/slabs";
  }

  @Override
  public Match probe(ModelInput input) {
    return input instanceof ModelInput.OfPath of && Files.isRegularFile(of.path().resolve(FIRST))
        ? Match.CERTAIN
        : Match.NONE;
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (input instanceof ModelInput.OfPath of) {
      return SlabSource.open(of.path(), limits);
    }
    throw SlabFile.fault(
        dev.monoquant.ModelFormatException.Reason.NOT_THIS_FORMAT, input.describe(), "it is no directory");
  }
}
