package dev.monoquant.testkit.example;

import dev.monoquant.spi.OutputFormat;
import dev.monoquant.testkit.contracts.OutputFormatContract;

class FlatOutputTest implements OutputFormatContract {
  @Override
  public OutputFormat subject() {
    return new FlatOutput();
  }

  @Override
  public String targetName() {
    return "out.flat";
  }
}
