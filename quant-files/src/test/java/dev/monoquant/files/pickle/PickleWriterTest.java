package dev.monoquant.files.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleObject.Call;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Real;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.testing.PickleRoundTrip;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;

class PickleWriterTest {

  /** Graphs of every kind of value, with sharing and, now and then, cycles. */
  @StatisticsReport(StatisticsReport.StatisticsReportMode.OFF)
  @Property(tries = 2000)
  void whatIsReadBackIsTheSame(@ForAll long seed, @ForAll @IntRange(max = 60) int size) {
    PickleValue value = new Graphs(seed).make(size);
    boolean written = true;
    try {
      PickleRoundTrip.of(value);
    } catch (ModelFormatException refusal) {
      assertThat(refusal).hasMessageContaining("part of what it is made of");
      written = false;
    }
    Statistics.collect(written);
    Statistics.coverage(c -> c.check(true).percentage(p -> p > 50));
  }

  private static final class Graphs {
    private final Random random;
    private final List<PickleValue> pool = new ArrayList<>();

    Graphs(long seed) {
      this.random = new Random(seed);
    }

    PickleValue make(int size) {
      pool.add(scalar());
      for (int i = 0; i < size; i++) {
        pool.add(random.nextInt(3) == 0 ? scalar() : container());
      }
      int cycles = random.nextInt(4) == 0 ? 3 : 0;
      for (int i = 0; i < cycles; i++) {
        fill(any(), 1);
      }
      return new PickleTuple(pool);
    }

    private PickleValue any() {
      return pool.get(random.nextInt(pool.size()));
    }

    private PickleTuple tuple() {
      List<PickleValue> items = new ArrayList<>();
      for (int i = random.nextInt(6); i > 0; i--) {
        items.add(any());
      }
      return new PickleTuple(items);
    }

    private PickleValue scalar() {
      return switch (random.nextInt(9)) {
        case 0 -> PickleValue.None.INSTANCE;
        case 1 -> new PickleValue.Bool(random.nextBoolean());
        case 2 -> new Int(random.nextLong() >> random.nextInt(64));
        case 3 -> big();
        case 4 -> new Real(Double.longBitsToDouble(random.nextLong()));
        case 5 -> new Text("text \u20ac\ud83d\ude00\n\0" + random.nextInt(5));
        case 6 -> new Global("torch", List.of("FloatStorage", "", "a.b").get(random.nextInt(3)));
        case 7 -> new PickleBytes(new byte[random.nextInt(600)]);
        default -> new Text("");
      };
    }

    /** More than 64 bits, as the reader has them. */
    private PickleValue big() {
      BigInteger value = new BigInteger(64 + random.nextInt(440), random).setBit(64);
      return new PickleValue.BigInt(random.nextBoolean() ? value : value.negate());
    }

    private PickleValue container() {
      PickleValue made =
          switch (random.nextInt(7)) {
            case 0 -> tuple();
            case 1 -> new PickleList();
            case 2 -> new PickleDict();
            case 3 -> new PickleSet(random.nextBoolean());
            case 4 -> new PicklePersistent(any());
            default -> object();
          };
      fill(made, random.nextInt(5));
      return made;
    }

    private PickleObject object() {
      Call call = List.of(Call.REDUCE, Call.NEW, Call.NEW_WITH_KEYWORDS).get(random.nextInt(3));
      Global callee = new Global("__torch__", "M" + random.nextInt(3));
      Optional<PickleValue> keywords =
          call == Call.NEW_WITH_KEYWORDS ? Optional.of(any()) : Optional.empty();
      PickleObject made = new PickleObject(call, callee, tuple(), keywords);
      if (random.nextBoolean()) {
        made.setState(any());
      }
      return made;
    }

    private void fill(PickleValue value, int count) {
      for (int i = 0; i < count; i++) {
        if (value instanceof PickleList list) {
          list.add(any());
        } else if (value instanceof PickleSet set) {
          set.add(any());
        } else if (value instanceof PickleDict dict) {
          put(dict);
        } else if (value instanceof PickleObject object && random.nextBoolean()) {
          put(object.items());
        }
      }
    }

    private void put(PickleDict dict) {
      PickleValue key = any();
      if (PickleDict.isHashable(key)) {
        dict.put(key, any());
      }
    }
  }

  @Example
  void everyPickleThatPythonWrote() throws IOException, URISyntaxException {
    Path root = Path.of(PickleWriterTest.class.getResource("/pickle").toURI());
    assertThat(PickleRoundTrip.ofFilesIn(root)).isGreaterThan(3);
  }

  private static String hex(PickleValue value) {
    byte[] pickle = PickleRoundTrip.of(value);
    assertThat(pickle).startsWith((byte) 0x80, (byte) 2).endsWith((byte) '.');
    return HexFormat.of().formatHex(pickle, 2, pickle.length - 1);
  }

  /** As torch/csrc/jit/serialization/pickler.cpp writes them. */
  @Example
  void integersAreOfTheFormsThatLibtorchReads() {
    assertThat(hex(new Int(0))).isEqualTo("4b00");
    assertThat(hex(new Int(255))).isEqualTo("4bff");
    assertThat(hex(new Int(256))).isEqualTo("4d0001");
    assertThat(hex(new Int(65535))).isEqualTo("4dffff");
    assertThat(hex(new Int(65536))).isEqualTo("4a00000100");
    assertThat(hex(new Int(-1))).isEqualTo("4affffffff");
    assertThat(hex(new Int(Integer.MIN_VALUE))).isEqualTo("4a00000080");
    assertThat(hex(new Int(1L << 31))).isEqualTo("8a080000008000000000");
    assertThat(hex(new Int(Long.MIN_VALUE))).isEqualTo("8a080000000000000080");
    assertThat(hex(new PickleValue.BigInt(BigInteger.ONE.shiftLeft(64))))
        .isEqualTo("8a09000000000000000001");
  }

  /** NaN keeps what it carries. */
  @Example
  void floatsAreKeptBitForBit() {
    assertThat(hex(new Real(-0.0))).isEqualTo("478000000000000000");
    assertThat(hex(new Real(Double.longBitsToDouble(0x7ff8_0000_0000_0001L))))
        .isEqualTo("477ff8000000000001");
    assertThat(hex(new Real(Double.MIN_VALUE))).isEqualTo("470000000000000001");
  }

  @Example
  void aTensorAsTorchWritesIt() {
    PickleTuple id =
        new PickleTuple(
            List.of(
                new Text("storage"),
                new Global("torch", "FloatStorage"),
                new Text("0"),
                new Text("cpu"),
                new Int(6)));
    PickleTuple args =
        new PickleTuple(List.of(new PicklePersistent(id), new Int(0), new PickleTuple(List.of())));
    PickleObject tensor =
        new PickleObject(
            Call.REDUCE, new Global("torch._utils", "_rebuild_tensor_v2"), args, Optional.empty());
    assertThat(new String(PickleRoundTrip.of(tensor), StandardCharsets.ISO_8859_1))
        .isEqualTo(
            "\u0080\u0002"
                + "ctorch._utils\n_rebuild_tensor_v2\n"
                + "(X\7\0\0\0storage"
                + "ctorch\nFloatStorage\n"
                + "X\1\0\0\0000"
                + "X\3\0\0\0cpu"
                + "K\6tQ"
                + "K\0)"
                + "\u0087R.");
  }

  /** Python's own reader wants a tuple there. */
  @Example
  void aMemberOfAnEnumAsLibtorchWritesIt() {
    PickleObject member =
        new PickleObject(
            Call.REDUCE_BARE,
            new Global("__torch__", "Color"),
            new PickleTuple(List.of(new Int(1))),
            Optional.empty());
    assertThat(new String(PickleRoundTrip.of(member), StandardCharsets.ISO_8859_1))
        .isEqualTo("\u0080\u0002c__torch__\nColor\nK\1R.");
  }

  /** The memo has more entries than one byte counts. */
  @Example
  void manySharedValues() {
    PickleList all = new PickleList();
    for (int i = 0; i < 700; i++) {
      PickleTuple shared = new PickleTuple(List.of(new Int(i)));
      all.add(shared);
      all.add(shared);
    }
    PickleRoundTrip.of(all);
  }

  @Example
  void nestingOfAnyDepth() {
    PickleValue value = new PickleTuple(List.of());
    for (int i = 0; i < 200_000; i++) {
      value = new PickleTuple(List.of(value));
    }
    PickleRoundTrip.of(value);
  }

  @Example
  void containersMayHoldThemselves() {
    PickleList list = new PickleList();
    list.add(new PickleTuple(List.of(list)));
    PickleRoundTrip.of(list);
    PickleDict dict = new PickleDict();
    dict.put(new Text("self"), dict);
    PickleRoundTrip.of(dict);
    PickleObject object =
        new PickleObject(
            Call.NEW, new Global("m", "C"), new PickleTuple(List.of()), Optional.empty());
    object.items().put(new Text("self"), object);
    object.setState(object);
    PickleRoundTrip.of(object);
  }

  @Example
  void whatCannotBeWrittenIsRefusedByName() {
    PickleList list = new PickleList();
    PickleTuple tuple = new PickleTuple(List.of(list));
    list.add(tuple);
    requireRefusal(tuple, "a tuple is part of what it is made of");
    requireRefusal(new Global("a\nb", "c"), "without a line feed");
    requireRefusal(new Global("a", "c".repeat(4097)), "4097 bytes");
    requireRefusal(new Text("\ud800"), "surrogate");
  }

  private static void requireRefusal(PickleValue value, String mention) {
    assertThatThrownBy(() -> PickleRoundTrip.write(value))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.PICKLE_SHAPE))
        .hasMessageStartingWith("test: \"data.pkl\": ")
        .hasMessageContaining(mention);
  }
}
