package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.data.LiveInputs;
import dev.monoquant.testkit.fakes.LiveArrays;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.laws.DetectorLaws;
import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.SourceCase;
import dev.monoquant.testkit.laws.SourceLaws;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Detectors of live objects with one fault each, and the one law that must see it. */
class BrokenLiveDetectorsTest {

  @TempDir private Path folder;

  private final NDManager manager = NDManager.newBaseManager();

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void soundOneBreaksNone() {
    assertThat(caught(new Maps())).isEmpty();
  }

  /** Looks into the arrays, some of which are closed. Caught by {@code probeNeverThrows}. */
  @Test
  void looksIntoArrays() {
    Maps broken =
        new Maps() {
          @Override
          public Match probe(ModelInput input) {
            if (input instanceof ModelInput.OfMap map) {
              for (NDArray array : map.tensors().values()) {
                if (array.toByteArray().length == 0) {
                  return Match.NONE;
                }
              }
            }
            return super.probe(input);
          }
        };
    assertThat(caught(broken)).containsExactly("probeNeverThrows");
  }

  /** Names the arrays after their keys. Caught by {@code probeChangesNothing}. */
  @Test
  void namesArrays() {
    Maps broken =
        new Maps() {
          @Override
          public Match probe(ModelInput input) {
            if (input instanceof ModelInput.OfMap map) {
              map.tensors().forEach((name, array) -> array.setName(name));
            }
            return super.probe(input);
          }
        };
    assertThat(caught(broken)).containsExactly("probeChangesNothing");
  }

  /** Makes what it reads positive, in place. Caught by {@code readingChangesNothing}. */
  @Test
  void writesToTheModel() {
    Maps broken =
        new Maps() {
          @Override
          byte[] data(NDArray array) {
            array.maximum(0).copyTo(array);
            return super.data(array);
          }
        };
    assertThat(caught(broken)).containsExactly("readingChangesNothing");
  }

  /** Forgets the copies that it makes. Caught by {@code leavesNoArrays}. */
  @Test
  void leaksCopies() {
    List<NDManager> leaked = new ArrayList<>();
    Maps broken =
        new Maps() {
          @Override
          byte[] data(NDArray array) {
            NDManager own = NDManager.newBaseManager();
            leaked.add(own);
            NDArray copy = array.duplicate();
            copy.attach(own);
            return super.data(copy);
          }
        };
    assertThat(caught(broken)).containsExactly("leavesNoArrays");
    leaked.forEach(NDManager::close);
  }

  private Set<String> caught(Maps format) {
    List<Law<SourceCase>> laws = new ArrayList<>(SourceLaws.all());
    laws.add(new Law<>("leavesNoArrays", SourceLaws::leavesNoArrays));
    List<DetectorLaws.Case> inputs =
        LiveInputs.in(manager).stream()
            .map(input -> new DetectorLaws.Case(format, input, folder))
            .toList();
    Set<String> broken = new TreeSet<>(Caught.by(DetectorLaws.all(), inputs));
    SourceCase own = new SourceCase(format, LiveInputs.sound(manager));
    broken.addAll(Caught.by(laws, List.of(own)));
    return broken;
  }

  /** Copies the arrays of a map when it opens. */
  private static class Maps implements InputFormatDetector {
    @Override
    public String id() {
      return "acme/maps";
    }

    @Override
    public Match probe(ModelInput input) {
      return input instanceof ModelInput.OfMap ? Match.CERTAIN : Match.NONE;
    }

    @Override
    public ModelSource open(ModelInput input, ReadLimits limits) {
      MemoryModel.Builder model = MemoryModel.named(input.describe());
      for (Map.Entry<String, NDArray> tensor : ((ModelInput.OfMap) input).tensors().entrySet()) {
        NDArray array = tensor.getValue();
        if (tensor.getKey().isEmpty() || LiveArrays.isFreed(array)) {
          throw new ModelFormatException(
              Reason.NO_TENSORS, input.describe(), tensor.getKey(), "it has no name or is closed");
        }
        ElementType type =
            switch (array.getDataType()) {
              case FLOAT32 -> ElementType.FLOAT32;
              default -> ElementType.INT64;
            };
        TensorShape shape = TensorShape.of(array.getShape().getShape());
        model.tensor(new TensorInfo(tensor.getKey(), type, shape), data(array));
      }
      return model.build().open();
    }

    byte[] data(NDArray array) {
      return array.toByteArray();
    }
  }
}
