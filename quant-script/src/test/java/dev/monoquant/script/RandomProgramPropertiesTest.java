package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.Sweep;
import dev.monoquant.spi.OptionValues;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/** Whatever is held of a program, and however: it does the same as before. */
@AddLifecycleHook(Sweep.class)
class RandomProgramPropertiesTest {

  @Property(tries = 60)
  void decodedWeightsGiveTheSame(@ForAll long seed) throws Exception {
    assertThat(error(seed, List.of(Mode.WEIGHT_ONLY), List.of(PlainScheme.HALF))).isLessThan(0.005);
  }

  @Property(tries = 60)
  void kernelsGiveNearlyTheSame(@ForAll long seed) throws Exception {
    assertThat(
            error(
                seed,
                List.of(Mode.values()),
                List.of(PlainScheme.INT8, PlainScheme.INT8_ASYMMETRIC, PlainScheme.HALF)))
        .isLessThan(0.15);
  }

  /** Holds about half of the weights, each in a way of its own. */
  private static double error(long seed, List<Mode> modes, List<PlainScheme> schemes)
      throws Exception {
    ScriptArchive original = RandomProgram.of(seed);
    Quantized quantized = new Quantized(original);
    Random random = new Random(seed);
    for (String name : quantized.candidates()) {
      if (random.nextInt(3) > 0) {
        OptionValues options = Quantized.options(modes.get(random.nextInt(modes.size())), 0);
        quantized.add(name, 0, schemes.get(random.nextInt(schemes.size())), options);
      }
    }
    assertThat(quantized.refused()).isEmpty();
    String input = "f5x" + RandomProgram.WIDTH;
    try (Torch before = Torch.load(original);
        Torch after = Torch.load(quantized.rewrite())) {
      return Torch.error(before.run(input, seed), after.run(input, seed));
    }
  }
}
