package com.example.descent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.contracts.SchemeContract;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Example;

/** Runs all laws for schemes on the registered scheme, with and without sweeps. */
class CoordinateDescentTest implements SchemeContract {

  @Override
  public Scheme subject() {
    return Plugins.load().scheme("example/descent");
  }

  @Override
  public List<OptionValues> options(WeightMatrix weight) {
    OptionValues defaults = SchemeCase.defaults(subject(), weight);
    return List.of(
        defaults,
        defaults.with(Map.of("granularity", "group:8")),
        defaults.with(Map.of("sweeps", "0")));
  }

  /** Codes make up for the errors of others, so that a tie may go either way. */
  @Override
  public boolean roundsToEven() {
    return false;
  }

  /** What the method is for: the outputs of the layer are nearer than with the nearest codes. */
  @Example
  void outputsAreNearer() {
    WeightSample weight = WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT32, 16, 40, 1);
    SchemeCase descent = new SchemeCase(subject(), weight);
    SchemeCase nearest = new SchemeCase(subject(), weight, descent.options().with(Map.of("sweeps", "0")));
    double part = outputError(descent) / outputError(nearest);
    assertTrue(part < 0.8, "it leaves " + part + " of the error");
  }

  /** The mean square error of all outputs, e G eᵀ summed over the rows. */
  private static double outputError(SchemeCase c) {
    GramMatrix gram = c.weight().facts(Set.of(Need.INPUT_GRAM)).inputGram().orElseThrow();
    float[] decoded = c.decode(c.quantize());
    float[] values = c.weight().values();
    int cols = c.weight().cols();
    float[] row = new float[cols];
    double sum = 0;
    for (int i = 0; i < cols; i++) {
      gram.readRow(i, row);
      for (int r = 0; r < values.length; r += cols) {
        for (int j = 0; j < cols; j++) {
          sum += (decoded[r + i] - values[r + i]) * row[j] * (decoded[r + j] - values[r + j]);
        }
      }
    }
    return sum;
  }

  /** A damaged file of statistics is told, and does not reach the codes. */
  @Example
  void impossibleInputsAreTold() {
    WeightSample weight = WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT32, 2, 3, 1);
    SchemeCase c = new SchemeCase(subject(), weight);
    GramMatrix damaged =
        new GramMatrix() {
          @Override
          public int size() {
            return 3;
          }

          @Override
          public void readRow(int row, float[] into) {
            Arrays.fill(into, Float.NaN);
          }
        };
    TileQuantizer worker =
        subject()
            .begin(
                weight.rows(), c.options(), Facts.NONE.withInputGram(damaged), Compute.AUTO);
    assertTrue(worker.warning().isPresent());
    assertArrayEquals(
        c.quantize(c.beginWithoutInputs(), 0, 2).part("codes"),
        c.quantize(worker, 0, 2).part("codes"));
  }
}
