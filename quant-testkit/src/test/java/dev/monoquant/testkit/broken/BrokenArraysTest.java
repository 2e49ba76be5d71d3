package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.SchemeLaws;
import dev.monoquant.testkit.laws.TileDecoderLaws;
import dev.monoquant.testkit.laws.TileQuantizerLaws;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Schemes that forget native memory, and the one law that must see it. */
class BrokenArraysTest {

  private final Queue<NDManager> leaked = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    leaked.forEach(NDManager::close);
  }

  private NDManager forgotten() {
    NDManager manager = NDManager.newBaseManager();
    leaked.add(manager);
    return manager;
  }

  @Test
  void soundOneBreaksNone() {
    Toy sound =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            tile.array().mul(2);
            return super.quantize(tile, symmetric);
          }
        };
    assertThat(caught(sound)).isEmpty();
  }

  /** Makes a manager of its own and never closes it. Caught by {@code leavesNoArrays}. */
  @Test
  void forgetsItsManager() {
    Toy broken =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            forgotten().create(new float[] {1});
            return super.quantize(tile, symmetric);
          }
        };
    assertThat(caught(broken)).containsExactly("leavesNoArrays");
  }

  /** Takes the tile's array out of its manager. Caught by {@code leavesNoArrays}. */
  @Test
  void takesTheArrayAway() {
    Toy broken =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            NDArray array = tile.array();
            array.attach(forgotten());
            return super.quantize(tile, symmetric);
          }
        };
    assertThat(caught(broken)).containsExactly("leavesNoArrays");
  }

  /** Decodes with an array that nobody closes. Caught by {@code leavesNoArrays}. */
  @Test
  void forgetsWhatItDecoded() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, type);
            forgotten().create(out);
          }
        };
    assertThat(caught(broken)).containsExactly("leavesNoArrays");
  }

  private static Set<String> caught(Scheme scheme) {
    List<Law<SchemeCase>> laws = new ArrayList<>(SchemeLaws.all());
    laws.add(new Law<>("leavesNoArrays", TileQuantizerLaws::leavesNoArrays));
    laws.add(new Law<>("leavesNoArrays", TileDecoderLaws::leavesNoArrays));
    WeightSample weight = WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT32, 3, 7, 1);
    return Caught.by(laws, List.of(new SchemeCase(scheme, weight)));
  }
}
