package dev.monoquant.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.PluginException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every cell of every type is looked at. */
class GateTest {

  private static final int CELLS = 3;

  private static Gate gate(Part part) {
    TensorInfo tensor = new TensorInfo("w", ElementType.FLOAT32, TensorShape.of(1, CELLS));
    return new Gate(
        new EncodedWeight(
            new WeightMatrix("", LayerKind.LINEAR, "w", tensor, 0),
            new SchemeId("acme/any", 1),
            OptionValues.of(8, true, Granularity.TENSOR),
            Encoding.opaque(part)));
  }

  private static void check(ElementType type, byte[] cells) {
    gate(Part.perElement("cells", type)).check(new EncodedTile(0, 1, Map.of("cells", cells)), 0, 1);
  }

  /** What a byte may be, said anew: which patterns are no finite number of the type. */
  private static boolean isSound(ElementType type, int bits) {
    return switch (type) {
      case BOOL -> bits <= 1;
      case FLOAT8_E4M3 -> (bits & 0x7F) != 0x7F;
      case FLOAT8_E5M2 -> (bits & 0x7F) < 0x7C;
      case FLOAT8_E4M3FNUZ, FLOAT8_E5M2FNUZ -> bits != 0x80;
      case FLOAT8_E8M0 -> bits != 0xFF;
      default -> {
        if (type.isCode() && type.signed()) {
          int code = (byte) bits;
          yield code >= -(1 << (type.bits() - 1)) && code < (1 << (type.bits() - 1));
        }
        yield bits < 1 << type.bits();
      }
    };
  }

  /** Long parts are looked at in words. */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void everyPlaceOfALongPartIsLookedAt(ElementType type) {
    for (int bits = 0; type.isSmallFloat() && bits < 256; bits++) {
      for (int at = 0; at < CELLS * 7; at++) {
        byte[] cells = new byte[CELLS * 7];
        Arrays.fill(cells, (byte) (at % 2 == 0 ? 0 : 1));
        cells[at] = (byte) bits;
        EncodedTile tile = new EncodedTile(0, 7, Map.of("cells", cells));
        Gate gate = gate(Part.perElement("cells", type));
        if (isSound(type, bits)) {
          gate.check(tile, 0, 7);
        } else {
          assertThatThrownBy(() -> gate.check(tile, 0, 7))
              .isInstanceOf(PluginException.class)
              .hasMessageContaining("in part cells at " + at);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void everyByteIsACellOfItsTypeOrRefused(ElementType type) {
    for (int bits = 0; type.cellBytes() == 1 && bits < 256; bits++) {
      byte[] cells = {0, 1, (byte) bits};
      if (isSound(type, bits)) {
        check(type, cells);
      } else {
        assertThatThrownBy(() -> check(type, cells))
            .as("%s %02x", type, bits)
            .isInstanceOf(PluginException.class)
            .hasMessageContaining("scheme acme/any@1 on w, rows 0 to 0: ")
            .hasMessageContaining("in part cells at 2");
      }
    }
  }

  @Test
  void theMessageShowsTheByte() {
    assertThatThrownBy(() -> check(ElementType.FLOAT4, new byte[] {0, 0x1F, 0}))
        .hasMessage(
            "scheme acme/any@1 on w, rows 0 to 0: byte 0x1F in part cells at 1 is no finite value"
                + " of type F4");
    assertThatThrownBy(() -> check(ElementType.FLOAT8_E4M3, new byte[] {(byte) 0xFF, 0, 0}))
        .hasMessageContaining("byte 0xFF in part cells at 0 is no finite value of type F8_E4M3");
    assertThatThrownBy(() -> check(ElementType.INT4, new byte[] {0, 0, -9}))
        .hasMessageContaining("code -9 in part cells at 2 is not within -8 to 7");
  }

  private static OptionalInt refusedAt(ElementType type, ByteBuffer cells) {
    try {
      byte[] bytes = new byte[cells.remaining()];
      cells.duplicate().get(bytes);
      check(type, bytes);
      return OptionalInt.empty();
    } catch (PluginException e) {
      String at =
          String.valueOf(e.getMessage()).replaceAll(".* at (\\d+) that is not finite", "$1");
      return OptionalInt.of(Integer.parseInt(at));
    }
  }

  private static ByteBuffer cells(int bytes) {
    return ByteBuffer.allocate(CELLS * bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void wideNumbersAreFinite() {
    assertThat(refusedAt(ElementType.FLOAT16, cells(2).putShort(4, (short) 0x7C00))).hasValue(2);
    assertThat(refusedAt(ElementType.FLOAT16, cells(2).putShort(4, (short) 0x7BFF))).isEmpty();
    assertThat(refusedAt(ElementType.BFLOAT16, cells(2).putShort(2, (short) 0xFFC0))).hasValue(1);
    assertThat(refusedAt(ElementType.FLOAT32, cells(4).putFloat(8, Float.NaN))).hasValue(2);
    assertThat(refusedAt(ElementType.FLOAT32, cells(4).putFloat(8, Float.MAX_VALUE))).isEmpty();
    assertThat(refusedAt(ElementType.FLOAT64, cells(8).putDouble(0, 1 / 0.0))).hasValue(0);
    assertThat(refusedAt(ElementType.FLOAT64, cells(8).putDouble(0, 1e300))).isEmpty();
    assertThat(refusedAt(ElementType.COMPLEX64, cells(8).putFloat(20, Float.NaN))).hasValue(2);
    assertThat(refusedAt(ElementType.INT64, cells(8).putLong(0, -1))).isEmpty();
  }

  @Test
  void wholePartsAreLookedAtToo() {
    Gate gate = gate(Part.perTensor("scale", ElementType.FLOAT8_E8M0));
    gate.checkWhole(Map.of("scale", new byte[] {0}));
    assertThatThrownBy(() -> gate.checkWhole(Map.of("scale", new byte[] {-1})))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("the whole tensor: byte 0xFF in part scale at 0");
  }

  @Test
  void groupsOfColumnsExist() {
    TensorInfo tensor = new TensorInfo("w", ElementType.FLOAT32, TensorShape.of(1, CELLS));
    Encoding encoding =
        new Encoding(
            List.of(
                Part.perElement("codes", ElementType.INT8),
                Part.perGroup("scale", ElementType.FLOAT32, 2),
                new Part("index", ElementType.INT32, new Part.Whole(TensorShape.of(CELLS)))),
            new Formula.Affine("codes", List.of(Formula.Factor.times("scale")), Optional.empty())
                .withGroupIndex("index"));
    Gate gate =
        new Gate(
            new EncodedWeight(
                new WeightMatrix("", LayerKind.LINEAR, "w", tensor, 0),
                new SchemeId("acme/any", 1),
                OptionValues.of(8, true, Granularity.group(2)),
                encoding));
    byte[] index = new byte[CELLS * Integer.BYTES];
    gate.checkWhole(Map.of("index", index));
    index[8] = 2;
    assertThatThrownBy(() -> gate.checkWhole(Map.of("index", index)))
        .isInstanceOf(PluginException.class)
        .hasMessage("scheme acme/any@1 on w, the whole tensor: column 2 is in group 2 of 2");
  }
}
