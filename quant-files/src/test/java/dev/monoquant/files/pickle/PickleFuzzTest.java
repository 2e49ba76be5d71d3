package dev.monoquant.files.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.testing.PickleText;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;
import net.jqwik.api.statistics.StatisticsReport.StatisticsReportMode;

/** Pickles of random operations: each is read or refused by type, and walked or refused. */
class PickleFuzzTest {

  private static final ReadLimits LIMITS =
      ReadLimits.DEFAULT.withMaxPickleValues(5000).withMaxPickleOps(20000);

  private interface Op {
    void write(PickleText out);
  }

  @Provide
  Arbitrary<List<Op>> programs() {
    Arbitrary<Op> plain =
        Arbitraries.of(
                '(', '0', '1', '2', 'N', 0x88, 0x89, ')', 't', 0x85, 0x86, 0x87, ']', 'l', 'a', 'e',
                '}', 'd', 's', 'u', 0x8f, 0x90, 0x91, 0x93, 'R', 0x81, 0x92, 'b', 'Q', 0x94)
            .map(o -> out -> out.op(o.hashCode()));
    Arbitrary<Op> memo =
        Arbitraries.integers()
            .between(0, 5)
            .flatMap(i -> Arbitraries.of((int) 'q', (int) 'h').map(o -> out -> out.op(o).op(i)));
    Arbitrary<Op> number = Arbitraries.longs().map(n -> out -> out.number(n));
    Arbitrary<Op> text =
        Arbitraries.of("storage", "0", "cpu", "w", "training", "").map(t -> out -> out.text(t));
    Arbitrary<Op> global =
        Arbitraries.of(
                "torch._utils _rebuild_tensor_v2",
                "collections OrderedDict",
                "torch FloatStorage",
                "torch Size",
                "torch float32",
                "torch._utils _rebuild_parameter",
                "torch._tensor _rebuild_from_type_v2")
            .map(g -> g.split(" "))
            .map(g -> out -> out.global(g[0], g[1]));
    Arbitrary<Op> tensor =
        Arbitraries.longs()
            .between(-2, 9)
            .map(n -> out -> out.tensor("Float", "0", 6, n, new long[] {n}, new long[] {1}));
    return Arbitraries.frequencyOf(
            Tuple.of(8, plain),
            Tuple.of(2, memo),
            Tuple.of(1, number),
            Tuple.of(2, text),
            Tuple.of(2, global),
            Tuple.of(1, tensor))
        .list()
        .ofMaxSize(60);
  }

  @Property(tries = 5000)
  @StatisticsReport(StatisticsReportMode.OFF)
  void randomPrograms(@ForAll("programs") List<Op> program) {
    PickleText out = new PickleText();
    // What is left on the stack is a fault of its own, so all of it goes into one tuple.
    out.op('(');
    program.forEach(op -> op.write(out));
    Statistics.collect(isRead(out.op('t').stop()));
    Statistics.coverage(c -> c.check(true).count(n -> n > 100));
  }

  @Property(tries = 3000)
  void anyBytes(@ForAll byte[] bytes) {
    isRead(bytes);
    isRead(new PickleText().bytes(bytes).stop());
  }

  private static boolean isRead(byte[] pickle) {
    try {
      PickleValue root =
          PickleReader.readAll(
              ByteBuffer.wrap(pickle), "fuzz", "data.pkl", LIMITS, TorchGlobals::inCheckpoint);
      PickleWalk.persistentIds(root);
      StateWalk.run(root, "fuzz", "data.pkl", LIMITS);
      return true;
    } catch (ModelFormatException refusal) {
      assertThat(refusal.getMessage()).startsWith("fuzz: ").doesNotContain("\n").endsWith(".");
      return false;
    }
  }

  /** So that the property above is not about refusals alone. */
  @Example
  void theHarnessReadsWhatIsValid() {
    PickleText out = new PickleText().op('(').text("w");
    assertThat(
            isRead(out.tensor("Float", "0", 6, 0, new long[] {2}, new long[] {1}).op('t').stop()))
        .isTrue();
  }
}
