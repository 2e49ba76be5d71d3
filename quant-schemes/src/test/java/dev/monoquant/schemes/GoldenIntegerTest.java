package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenIntegerTest {

  private static final Golden GOLDEN = new Golden("golden.zip");
  private static final Golden EDGES = new Golden("edges.zip");

  /**
   * Other libraries than compressed-tensors, and what that packs for disk in 2 to 8 bits: 208 cases
   * of torchao, 70 of ONNX Runtime, 36 of optimum-quanto, 18 of torch, 39 of compressed-tensors.
   */
  private static final Golden PROFILES = new Golden("profiles.zip", "golden.zip");

  /**
   * The search of the observer of llm-compressor, all 20 steps of it, made with the functions of
   * compressed-tensors 0.20.1.
   */
  private static final Golden MSE = new Golden("mse.zip", "golden.zip");

  static List<Golden.Case> golden() {
    return GOLDEN.cases("integer");
  }

  static List<Golden.Case> edges() {
    return EDGES.cases("integer");
  }

  static List<Golden.Case> profiles() {
    return PROFILES.cases("integer").stream().filter(Golden.Case::hasProfile).toList();
  }

  static List<Golden.Case> mse() {
    return MSE.cases("integer").stream().filter(c -> c.search().equals("mse")).toList();
  }

  @Test
  void allCasesAreThere() {
    assertThat(mse()).hasSize(104);
    assertThat(profiles()).hasSize(371);
    assertThat(golden()).hasSize(364);
    assertThat(edges()).hasSize(90);
  }

  @ParameterizedTest
  @MethodSource("golden")
  void sameBitsAsThePeer(Golden.Case golden) {
    for (int height : new int[] {5, 64}) {
      for (Compute compute : Run.COMPUTES) {
        OptionValues options = options(golden);
        expect(
            golden,
            Run.quantize(
                Run.scheme(golden.bits()),
                golden.rows(),
                options,
                compute,
                golden.weight(),
                height));
      }
    }
  }

  @ParameterizedTest
  @MethodSource({"profiles", "mse"})
  void sameBitsAsEveryPeer(Golden.Case golden) {
    for (int height : new int[] {5, 64}) {
      Scheme scheme = Run.scheme(golden.bits());
      expect(golden, Run.quantize(scheme, golden.rows(), options(golden), golden.weight(), height));
    }
  }

  /**
   * Rows of zeros, of subnormals, of ties, near overflow and so on, and their decoded values. Here
   * each row is a tensor of its own where the granularity is the tensor.
   */
  @ParameterizedTest
  @MethodSource("edges")
  void sameBitsAsThePeerAtTheEdges(Golden.Case edge) {
    Scheme scheme = Run.scheme(edge.bits());
    for (Compute compute : Run.COMPUTES) {
      OptionValues options = options(edge);
      WeightMatrix rows = edge.rows();
      int tensors = 1;
      if (edge.granularity().equals(Granularity.TENSOR)) {
        tensors = (int) rows.rowCount();
        rows = Run.rows(rows.tensor().type(), 1, rows.columnCount());
      }
      float[] weight = edge.weight();
      EncodedTile all = new EncodedTile(0, 0, Map.of());
      float[] decoded = new float[0];
      int size = weight.length / tensors;
      for (int i = 0; i < tensors; i++) {
        float[] one = Arrays.copyOfRange(weight, i * size, (i + 1) * size);
        EncodedTile got = Run.quantize(scheme, rows, options, compute, one, 7);
        all = Run.concatenate(all, got);
        decoded = Run.concatenate(decoded, Run.decode(scheme, rows, options, got));
      }
      expect(edge, all);
      byte[] bytes = edge.part("decoded");
      ElementType type = rows.tensor().type();
      float[] expected = new float[weight.length];
      FloatBytes.widen(type, ByteBuffer.wrap(bytes), expected, 0, expected.length);
      assertThat(decoded).isEqualTo(expected);
    }
  }

  private static OptionValues options(Golden.Case golden) {
    return OptionValues.of(golden.bits(), golden.symmetric(), golden.granularity())
        .with(CommonOptions.PROFILE, golden.profile())
        .with(CommonOptions.SEARCH, golden.search());
  }

  private static void expect(Golden.Case golden, EncodedTile got) {
    assertThat(got.part(Part.SCALE)).isEqualTo(golden.part(Part.SCALE));
    if (!golden.symmetric()) {
      assertThat(got.part(Part.ZERO_POINT)).isEqualTo(golden.part(Part.ZERO_POINT));
    }
    assertThat(got.part(Part.CODES)).isEqualTo(golden.part(Part.CODES));
  }
}
