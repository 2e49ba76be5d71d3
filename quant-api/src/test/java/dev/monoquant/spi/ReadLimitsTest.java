package dev.monoquant.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReadLimitsTest {

  /** All different, so that none can stand in for another. */
  private static final ReadLimits LIMITS =
      new ReadLimits(101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113);

  static Stream<Method> changes() {
    return Arrays.stream(ReadLimits.class.getMethods())
        .filter(method -> method.getName().startsWith("with"));
  }

  @Test
  void thereAreChangesToTry() {
    assertThat(changes()).hasSize(10);
  }

  @ParameterizedTest
  @MethodSource("changes")
  void aChangeIsOfThatLimitAlone(Method change) throws Exception {
    boolean isLong = change.getParameterTypes()[0] == long.class;
    Object changed = change.invoke(LIMITS, isLong ? (Object) 7L : (Object) 7);
    for (RecordComponent limit : ReadLimits.class.getRecordComponents()) {
      Number before = (Number) limit.getAccessor().invoke(LIMITS);
      Number after = (Number) limit.getAccessor().invoke(changed);
      boolean meant = change.getName().equalsIgnoreCase("with" + limit.getName());
      assertThat(after.longValue()).as(limit.getName()).isEqualTo(meant ? 7 : before.longValue());
    }
  }

  @ParameterizedTest
  @MethodSource("changes")
  void aLimitIsPositive(Method change) {
    boolean isLong = change.getParameterTypes()[0] == long.class;
    assertThatThrownBy(() -> change.invoke(LIMITS, isLong ? (Object) 0L : (Object) 0))
        .isInstanceOf(InvocationTargetException.class)
        .cause()
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(" is 0; at least 1 is allowed");
  }

  @Test
  void anyLimitIsChangedByItsName() throws ReflectiveOperationException {
    for (RecordComponent limit : ReadLimits.class.getRecordComponents()) {
      ReadLimits changed = LIMITS.changed(limit.getName(), 7);
      for (RecordComponent other : ReadLimits.class.getRecordComponents()) {
        Number before = (Number) other.getAccessor().invoke(LIMITS);
        Number after = (Number) other.getAccessor().invoke(changed);
        assertThat(after.longValue())
            .as(other.getName())
            .isEqualTo(other.getName().equals(limit.getName()) ? 7 : before.longValue());
      }
    }
    assertThat(LIMITS.changed("maxParsedBytes", 1L << 40).maxParsedBytes()).isEqualTo(1L << 40);
  }

  @Test
  void aLimitThatCannotBeIsRefused() {
    assertThatThrownBy(() -> LIMITS.changed("maxTensor", 7))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("there is no limit \"maxTensor\"; limits are maxHeaderBytes, ")
        .hasMessageContaining("maxTensors");
    assertThatThrownBy(() -> LIMITS.changed("maxTensors", 1L << 40))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("limit maxTensors is 1099511627776; at most 2147483647 is allowed");
    assertThatThrownBy(() -> LIMITS.changed("maxTensors", 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("limit maxTensors is 0; at least 1 is allowed");
  }
}
