package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ObservableModel.Bins;
import dev.monoquant.spi.ObservableModel.Input;
import dev.monoquant.spi.ObservableModel.Request;
import dev.monoquant.spi.ObservableModel.Total;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Programs that observe are run beside their originals. */
class ObserversTest {

  private static final int BINS = 16;

  /** Their weights are all, or some, arguments of one operator for a whole layer. */
  private static final Set<Fixtures> FUSED =
      EnumSet.of(
          Fixtures.LSTM_SCRIPTED,
          Fixtures.GRU_SCRIPTED,
          Fixtures.GRU_TRACED,
          Fixtures.ATTENTION_SCRIPTED,
          Fixtures.ENCODER_SCRIPTED,
          Fixtures.ENCODER_TRACED);

  /** Every layer is observed, and every output stays as it is, in compiled code too. */
  @ParameterizedTest
  @EnumSource(Fixtures.class)
  void outputsStayEqualToTheBit(Fixtures fixture) throws Exception {
    ScriptArchive archive = fixture.archive();
    Script script = new Script(archive.program(), "test", ReadLimits.DEFAULT);
    List<Request> requests = new ArrayList<>();
    for (TensorInfo tensor : tensors(script, archive.program())) {
      Optional<Input> input = script.rewriter().observed(tensor);
      assertThat(input.isPresent()).isNotEqualTo(script.rewriter().unobserved(tensor).isPresent());
      input.ifPresent(i -> requests.add(new Request(i, true, Optional.of(new Bins(BINS, -4, 4)))));
    }
    if (requests.isEmpty()) {
      assertThat(fixture).isIn(FUSED);
      return;
    }
    Observers observers = script.rewriter().observe(requests);
    assertThat(observers.prefixes()).hasSameSizeAs(requests);
    try (Torch original = Torch.load(archive);
        Torch observing = Torch.load(archive.with(observers.program()))) {
      for (int run = 0; run < 3; run++) {
        assertThat(observing.run(fixture.input(), run))
            .isEqualTo(original.run(fixture.input(), run));
      }
      Map<String, double[]> sums = observing.parameters();
      for (Request request : requests) {
        String prefix = observers.prefixes().get(request.input().weight());
        double[] totals = sums.get(prefix + ".totals");
        if (!FUSED.contains(fixture)) {
          assertThat(Total.ROWS.of(totals)).as(prefix).isPositive();
        }
        assertThat(Total.CALLS.of(totals) % 3).as(prefix).isZero();
        assertThat(Total.LEFT_OUT.of(totals)).as(prefix).isZero();
        assertThat(sums.get(prefix + ".looks")).hasSize(Math.toIntExact(request.input().rows()));
        int columns = Math.toIntExact(request.input().columns());
        double[] squares = sums.get(prefix + ".squares");
        double[] products = sums.get(prefix + ".products");
        assertThat(squares).hasSize(columns);
        for (int i = 0; i < columns; i++) {
          double square = products[i * columns + i];
          assertThat(square).isCloseTo(squares[i], within(1e-4 * (1 + squares[i])));
        }
      }
    }
  }

  static List<TensorInfo> tensors(Script script, ScriptProgram program) {
    List<TensorInfo> tensors = new ArrayList<>();
    script
        .stateDict()
        .nodes()
        .forEach(
            node ->
                node.tensors()
                    .forEach(
                        (local, tensor) ->
                            add(node.tensorName(local), TensorView.of(tensor), tensors)));
    for (int i = 0; i < program.constants().size(); i++) {
      if (program.constants().get(i) instanceof PickleObject object
          && TorchGlobals.isTensor(object.callee())) {
        add(Script.constantName(i), TensorView.of(object), tensors);
      }
    }
    return tensors;
  }

  private static void add(String name, Optional<TensorView> view, List<TensorInfo> tensors) {
    view.ifPresent(
        v ->
            tensors.add(
                new TensorInfo(
                    name,
                    ElementType.FLOAT32,
                    TensorShape.of(v.sizes().stream().mapToLong(Long::longValue).toArray()))));
  }
}
