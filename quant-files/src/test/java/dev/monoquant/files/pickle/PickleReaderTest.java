package dev.monoquant.files.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.PickleText;
import dev.monoquant.files.torch.StateWalk;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PickleReaderTest {

  private static final String NUMBERS =
      "[1, -1, 255, 256, 65536, -2147483648, 1099511627776, -9223372036854775808,"
          + " 9223372036854775808, "
          + "1606938044258990275541962092341162602522202993782792835301376]";

  private static PickleValue read(byte[] pickle) {
    return read(pickle, ReadLimits.DEFAULT);
  }

  private static PickleValue read(byte[] pickle, ReadLimits limits) {
    return PickleReader.readAll(
        ByteBuffer.wrap(pickle), "a.pt", "data.pkl", limits, TorchGlobals::inCheckpoint);
  }

  private static ModelFormatException refusal(byte[] pickle) {
    return refusal(pickle, ReadLimits.DEFAULT);
  }

  private static ModelFormatException refusal(byte[] pickle, ReadLimits limits) {
    return catchThrowableOfType(ModelFormatException.class, () -> read(pickle, limits));
  }

  /** The same values as CPython 3.11 writes them in each protocol. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5})
  void readsWhatPythonWrites(int protocol) throws IOException {
    byte[] pickle;
    try (var in = getClass().getResourceAsStream("/pickle/protocol" + protocol + ".pkl")) {
      pickle = in.readAllBytes();
    }
    PickleDict dict = (PickleDict) read(pickle);
    assertThat(show(dict.find("a").orElseThrow())).isEqualTo(NUMBERS);
    assertThat(show(dict.find("b").orElseThrow())).isEqualTo("(true, false, None, 1.5, Infinity)");
    assertThat(show(dict.find("e").orElseThrow()))
        .isEqualTo("((), (1), (1, 2), (1, 2, 3), (1, 2, 3, 4))");
    assertThat(show(dict.find("o").orElseThrow())).isEqualTo("collections.OrderedDict(){'k': 0}");
    assertThat(show(dict.find("l").orElseThrow())).isEqualTo("['" + "x".repeat(300) + "']");
    String builtins = protocol == 2 ? "__builtin__." : "builtins.";
    boolean own = protocol >= 4;
    assertThat(show(dict.find("s").orElseThrow())).isEqualTo(own ? "{7}" : builtins + "set([7])");
    assertThat(show(dict.find("f").orElseThrow()))
        .isEqualTo(own ? "{8}" : builtins + "frozenset([8])");
    assertThat(show(dict.find("é").orElseThrow()))
        .isEqualTo(protocol == 2 ? "_codecs.encode('\u0000ÿ', 'latin1')" : "b'00ff'");
    assertThat(dict.find("shared").orElseThrow()).isSameAs(dict.find("a").orElseThrow());
  }

  private static String show(PickleValue value) {
    if (value instanceof PickleList list) {
      return "[" + showAll(list.items()) + "]";
    } else if (value instanceof PickleTuple tuple) {
      return "(" + showAll(tuple.items()) + ")";
    } else if (value instanceof PickleSet set) {
      return "{" + showAll(set.items()) + "}";
    } else if (value instanceof PickleDict dict) {
      return dict.items().stream()
          .map(i -> show(i.key()) + ": " + show(i.value()))
          .collect(Collectors.joining(", ", "{", "}"));
    } else if (value instanceof PickleObject object) {
      return object.callee().path()
          + show(object.args())
          + (object.items().size() > 0 ? show(object.items()) : "");
    } else if (value instanceof PickleBytes bytes) {
      return "b'" + HexFormat.of().formatHex(bytes.value()) + "'";
    } else if (value instanceof PickleValue.Text text) {
      return "'" + text.value() + "'";
    } else if (value instanceof PickleValue.Int number) {
      return Long.toString(number.value());
    } else if (value instanceof PickleValue.BigInt number) {
      return number.value().toString();
    } else if (value instanceof PickleValue.Real number) {
      return Double.toString(number.value());
    } else if (value instanceof PickleValue.Bool bool) {
      return Boolean.toString(bool.value());
    }
    return value.kind();
  }

  private static String showAll(Iterable<PickleValue> items) {
    StringBuilder out = new StringBuilder();
    items.forEach(i -> out.append(out.isEmpty() ? "" : ", ").append(show(i)));
    return out.toString();
  }

  @Test
  void refusedNamesAreAllToldWithTheirPlaces() {
    byte[] pickle =
        new PickleText()
            .op('}')
            .op('(')
            .text("args")
            .global("argparse", "Namespace")
            .op(')')
            .op(0x81)
            .text("when")
            .op('}')
            .text("day")
            .global("datetime", "date")
            .op('s')
            .text("evil")
            .global("os", "sys\u001btem")
            .op('0')
            .op('N')
            .op('u')
            .stop();
    assertThat(refusal(pickle))
        .hasMessage(
            "a.pt: \"data.pkl\": names argparse.Namespace (under \"args\"), datetime.date (under"
                + " \"when/day\"), os.sys\\u001btem; only tensors and plain containers are read,"
                + " and nothing is ever executed. Save model.state_dict() alone.");
  }

  @Test
  void weightsOfAQuantizerAreCalledThat() {
    byte[] pickle = new PickleText().global("torchao.quantization", "Int8Tensor").stop();
    assertThat(refusal(pickle))
        .hasMessageContaining("names torchao.quantization.Int8Tensor")
        .hasMessageEndingWith(
            "Its weights are quantized by torchao, which this version does not decode; give the"
                + " float original.");
    byte[] other = new PickleText().global("torchaos", "Int8Tensor").stop();
    assertThat(refusal(other)).hasMessageEndingWith("Save model.state_dict() alone.");
  }

  @ParameterizedTest
  @CsvSource({
    "argparse,Namespace",
    "os,system",
    "builtins,eval",
    "builtins,getattr",
    "torch,load",
    "torch._utils,_rebuild_tensor_v2.__globals__",
    "torch,_utils._rebuild_tensor_v2",
    "torch.storage,UntypedStorage.x",
    "collections,ordereddict",
    "__torch__,Net",
    "'',''"
  })
  void onlyTheListIsAllowed(String module, String name) {
    ModelFormatException refusal = refusal(new PickleText().global(module, name).stop());
    assertThat(refusal.reason()).isEqualTo(Reason.PICKLE_GLOBAL);
  }

  @Test
  void aCallWithoutATupleIsOneOfAnEnumOnly() {
    for (String module : List.of("torch._utils", "__torch__x", "")) {
      byte[] other = new PickleText().global(module, "Color").text("red").op('R').stop();
      assertThat(ofAnything(other).reason()).as(module).isEqualTo(Reason.PICKLE_SHAPE);
    }
    byte[] none = new PickleText().global("__torch__", "Color").op('N').op('R').stop();
    assertThat(ofAnything(none).reason()).isEqualTo(Reason.PICKLE_SHAPE);
  }

  /** The refusal where every name is allowed. */
  private static ModelFormatException ofAnything(byte[] pickle) {
    return catchThrowableOfType(
        ModelFormatException.class,
        () ->
            PickleReader.readAll(
                ByteBuffer.wrap(pickle), "a.pt", "data.pkl", ReadLimits.DEFAULT, g -> true));
  }

  /** Each would be a hundred thousand calls deep if anything recursed. */
  @ParameterizedTest
  @ValueSource(chars = {'(', ']', '}', ')'})
  void deepNestingIsRefusedNotFollowed(char opcode) {
    PickleText out = new PickleText();
    int depth = 100_000;
    if (opcode == ']' || opcode == '}') {
      for (int i = 0; i < depth; i++) {
        out.op(opcode);
        if (opcode == '}') {
          out.op('N');
        }
      }
      for (int i = 1; i < depth; i++) {
        out.op(opcode == ']' ? 'a' : 's');
        if (opcode == '}') {
          break; // The dict below has None as its key, and is set on None.
        }
      }
    } else {
      for (int i = 0; i < depth; i++) {
        out.op(opcode == '(' ? ')' : 'N').op(0x85);
        if (i > 0) {
          out.op(0x86);
        }
      }
    }
    byte[] pickle = out.stop();
    assertThatThrownBy(() -> StateWalk.run(read(pickle), "a.pt", "data.pkl", ReadLimits.DEFAULT))
        .isInstanceOf(ModelFormatException.class);
  }

  @Test
  void limitsNameTheirSetting() {
    byte[] many = new PickleText().op(']').op('0').op(']').op('0').op('N').stop();
    assertThat(refusal(many, ReadLimits.DEFAULT.withMaxPickleOps(3)))
        .hasMessageContaining("has 4 operations, at most 3 are read (limit maxPickleOps)");
    assertThat(refusal(many, ReadLimits.DEFAULT.withMaxPickleValues(1)))
        .hasMessageContaining("has 2 values, at most 1 are read (limit maxPickleValues)");
    byte[] marks = new PickleText().op('(').op('(').op('(').op('N').stop();
    assertThat(refusal(marks, ReadLimits.DEFAULT.withMaxPickleValues(2)))
        .hasMessageContaining("values on its stack, at most 2");
    byte[] memo = new PickleText().op('N').op('q').op(0).op('q').op(1).op('q').op(7).stop();
    assertThat(refusal(memo, ReadLimits.DEFAULT.withMaxPickleValues(2)))
        .hasMessageContaining("3 entries in its memo, at most 2");
    assertThat(read(memo)).isEqualTo(PickleValue.None.INSTANCE);
  }

  @Test
  void anEntryOfTheMemoMayBeSetAgain() {
    byte[] pickle =
        new PickleText()
            .op('(')
            .text("a")
            .op('q')
            .op(9)
            .text("b")
            .op('q')
            .op(0)
            .text("c")
            .op('q')
            .op(9)
            .text("d")
            .op('q')
            .op(0)
            .op('h')
            .op(9)
            .op('h')
            .op(0)
            .op('t')
            .stop();
    assertThat(show(read(pickle))).isEqualTo("('a', 'b', 'c', 'd', 'c', 'd')");
    assertThat(refusal(new PickleText().op('h').op(3).stop()))
        .hasMessageContaining("entry 3 of the memo, which was never set");
  }

  @Test
  void keysThatPythonHoldsForEqualAreOne() {
    for (PickleText key :
        List.of(
            new PickleText().op('}').op('(').op(0x88).op('N').number(1),
            new PickleText()
                .op('}')
                .op('(')
                .number(1)
                .op('N')
                .op('G')
                .bytes(
                    (byte) 0x3f,
                    (byte) 0xf0,
                    (byte) 0,
                    (byte) 0,
                    (byte) 0,
                    (byte) 0,
                    (byte) 0,
                    (byte) 0))) {
      assertThat(refusal(key.op('N').op('u').stop()).reason()).isEqualTo(Reason.DUPLICATE_KEY);
    }
  }

  @Test
  void protocolsAreTwoToFive() {
    assertThat(refusal(new byte[] {(byte) 0x80, 6, 'N', '.'}))
        .hasMessageContaining("protocol 6; 2 to 5 are read");
    assertThat(refusal(new byte[] {(byte) 0x80, 1, 'N', '.'}).reason())
        .isEqualTo(Reason.PICKLE_OPCODE);
  }

  @Test
  void nothingMayFollow() {
    assertThat(refusal(new byte[] {(byte) 0x80, 2, 'N', '.', 'N', '.'}))
        .hasMessageContaining("2 bytes follow the end of the pickle at byte 4")
        .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.TRAILING_DATA));
  }

  @Test
  void lengthsAreComparedBeforeAnythingIsMade() {
    for (String hex :
        List.of(
            "54ffffff7f",
            "42ffffffff",
            "8bffffff7f",
            "8b80000000",
            "54ffffffff",
            "8effffffffffffff7f",
            "8dffffffffffffffff",
            "96ffffffffffffff7f")) {
      byte[] tail = HexFormat.of().parseHex(hex);
      ModelFormatException refusal = refusal(new PickleText().bytes(tail).stop());
      assertThat(refusal.reason()).as(hex).isEqualTo(Reason.PICKLE_TRUNCATED);
    }
  }
}
