package dev.monoquant.testkit.fakes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Scheme;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever the interfaces get, the decorators hand on. */
class ForwardingTest {

  /** Stands for the end of a call: what was forwarded arrives here and goes no further. */
  private static final class Arrived extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Not forwarded: decoderOf calls the decoder, which a subclass may override; a source that
   * changes what it shows must not be taken for the one inside.
   */
  private static final Set<String> OWN = Set.of("decoderOf", "origin");

  static Stream<Arguments> methods() {
    return Stream.of(
            Arguments.of(Scheme.class, ForwardingScheme.class),
            Arguments.of(LayerQuantizer.class, ForwardingLayerQuantizer.class),
            Arguments.of(InputFormatDetector.class, ForwardingDetector.class),
            Arguments.of(OutputFormat.class, ForwardingOutput.class),
            Arguments.of(OutputSession.class, ForwardingSession.class),
            Arguments.of(OutputLayout.class, ForwardingLayout.class),
            Arguments.of(ModelSource.class, ForwardingSource.class),
            Arguments.of(OutputWriter.class, ForwardingWriter.class))
        .flatMap(
            pair ->
                Arrays.stream(((Class<?>) pair.get()[0]).getMethods())
                    .filter(method -> !Modifier.isStatic(method.getModifiers()))
                    .filter(method -> !OWN.contains(method.getName()))
                    .map(method -> Arguments.of(pair.get()[0], pair.get()[1], method)));
  }

  @ParameterizedTest
  @MethodSource("methods")
  void everyMethodArrives(Class<?> type, Class<?> base, Method method) throws Exception {
    List<Object> seen = new ArrayList<>();
    Object inside =
        Proxy.newProxyInstance(
            ForwardingTest.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, called, args) -> {
              seen.add(called.getName());
              seen.addAll(Arrays.asList(called.getParameterTypes()));
              throw new Arrived();
            });
    Object decorator = base.getConstructor(type).newInstance(inside);
    Throwable thrown = null;
    try {
      method.invoke(decorator, arguments(method));
    } catch (InvocationTargetException e) {
      thrown = e.getCause();
    }
    assertThat(thrown).as(method.toString()).isInstanceOf(Arrived.class);
    List<Object> expected = new ArrayList<>(List.of(method.getName()));
    expected.addAll(Arrays.asList(method.getParameterTypes()));
    assertThat(seen).isEqualTo(expected);
  }

  private static Object[] arguments(Method method) {
    return Arrays.stream(method.getParameterTypes()).map(ForwardingTest::argument).toArray();
  }

  private static @Nullable Object argument(Class<?> type) {
    // The one element of an array of a primitive type is its zero.
    return type.isPrimitive() ? Array.get(Array.newInstance(type, 1), 0) : null;
  }
}
