package com.example.slab;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Plugins;
import dev.monoquant.testkit.contracts.OutputFormatContract;
import java.util.Optional;

/** The laws kill and resume runs, write more data than fits in memory, and read back. */
class SlabOutputTest implements OutputFormatContract {

  @Override
  public OutputFormat subject() {
    return Plugins.load().outputFormat("example/slabs");
  }

  @Override
  public String targetName() {
    return "out.slabs";
  }

  @Override
  public Optional<InputFormatDetector> reader() {
    return Optional.of(new SlabFormat());
  }

  @Override
  public boolean resumes() {
    return true;
  }
}
