package dev.monoquant.core.reach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.spi.Facts;
import java.util.NoSuchElementException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class FactsTest {

  @Property
  void samplesAreBoundedAndOddlySpread(@ForAll @LongRange(min = 1, max = 1L << 40) long elements) {
    long step = Facts.sampleStep(elements);
    long count = (elements + step - 1) / step;
    assertThat(step % 2).isEqualTo(1);
    assertThat(count).isBetween(1L, (long) Facts.SAMPLE_SIZE);
    assertThat(elements <= Facts.SAMPLE_SIZE || count > Facts.SAMPLE_SIZE / 4).isTrue();
  }

  @Test
  void onlyWhatWasAskedForIsThere() {
    assertThatThrownBy(Facts.NONE::range)
        .isInstanceOf(NoSuchElementException.class)
        .hasMessageContaining("TENSOR_RANGE was not requested");
    assertThatThrownBy(Facts.ofRange(0, 1)::familyRange).hasMessageContaining("FAMILY_RANGE");
    assertThat(Facts.ofRange(0, 1).withFamilyRange(-2, 3).familyRange())
        .isEqualTo(new Facts.Range(-2, 3));
    assertThatThrownBy(Facts.ofRange(0, 1)::sample).hasMessageContaining("TENSOR_SAMPLE");
    assertThat(Facts.ofRange(0, 1).inputSquares()).isEmpty();
    assertThat(Facts.ofRange(0, 1).inputGram()).isEmpty();
  }

  @Test
  void nobodyCanChangeThem() {
    float[] given = {1, 2};
    Facts facts = Facts.NONE.withSample(given).withInputSquares(given);
    given[0] = 9;
    facts.sample()[1] = 9;
    facts.inputSquares().orElseThrow()[1] = 9;
    assertThat(facts.sample()).containsExactly(1, 2);
    assertThat(facts.inputSquares().orElseThrow()).containsExactly(1, 2);
  }
}
