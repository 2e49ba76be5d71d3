package dev.monoquant.testkit.fakes;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Recognises the {@link MemoryModel#input() inputs} of some models in memory. Thread-safe. */
public final class MemoryFormat implements InputFormatDetector {

  private final List<MemoryModel> models;

  /**
   * A detector for these models and no others.
   *
   * @param models the models
   */
  public MemoryFormat(MemoryModel... models) {
    this.models = Arrays.asList(models.clone());
  }

  @Override
  public String id() {
    return "testkit/memory";
  }

  @Override
  public Match probe(ModelInput input) {
    return find(input).isPresent() ? Match.CERTAIN : Match.NONE;
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) {
    return find(input)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    ModelFormatException.Reason.NOT_THIS_FORMAT,
                    input.describe(),
                    "",
                    "it is none of the models in memory"))
        .open();
  }

  private Optional<MemoryModel> find(ModelInput input) {
    return models.stream().filter(m -> m.input().equals(input)).findFirst();
  }
}
