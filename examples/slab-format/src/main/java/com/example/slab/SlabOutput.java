package com.example.slab;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import java.nio.file.Path;
import java.util.Optional;

/** Writes a directory of {@link SlabFile}s with a manifest. Stateless and thread-safe. */
public final class SlabOutput implements OutputFormat {

  @Override
  public String id() {
    return "example/slabs";
  }

  @Override
  public boolean accepts(Path target) {
    return target.toString().endsWith(".slabs");
  }

  /** This format needs no analysis of the model, so the session only holds it. */
  @Override
  public OutputSession open(ModelSource source) {
    return new OutputSession() {
      @Override
      public Optional<String> unsupported(EncodedWeight weight) {
        return Optional.empty();
      }

      @Override
      public OutputLayout layout(OutputContents contents) {
        return new SlabLayout(source, contents);
      }

      @Override
      public void close() {}
    };
  }
}
