package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.TestExecutionResult.Status.FAILED;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.GgufMapping;
import dev.monoquant.spi.GgufMapping.Rows;
import dev.monoquant.spi.GgufMapping.Run;
import dev.monoquant.spi.GgufMapping.Stored;
import dev.monoquant.spi.Hyperparameters;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.testkit.contracts.GgufArchitectureContract;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Architectures with one fault each, and the one law that must see it. */
class BrokenArchitecturesTest {

  @TempDir private Path folder;

  private static final TensorInfo WEIGHT = tensor("w", ElementType.BFLOAT16, 4, 2);
  private static final TensorInfo OTHER = tensor("v", ElementType.FLOAT32, 4, 2);
  private static final TensorInfo NORM = tensor("n", ElementType.BFLOAT16, 3);

  private static TensorInfo tensor(String name, ElementType type, long... dims) {
    return new TensorInfo(name, type, TensorShape.of(dims));
  }

  private static Stored stored(String name, TensorShape shape, Run... runs) {
    return new Stored(name, shape, new Rows(List.of(runs), false, 0));
  }

  private static Stored whole(String name, TensorInfo tensor) {
    return stored(name, tensor.shape(), new Run(tensor, 0, tensor.shape().dim(0), 0));
  }

  /** Stores the weight in two runs, and the others whole. */
  private static class Toy implements GgufArchitecture {

    List<Stored> weights() {
      return List.of(
          stored("weight", WEIGHT.shape(), new Run(WEIGHT, 2, 2, 0), new Run(WEIGHT, 0, 2, 2)),
          whole("other", OTHER));
    }

    String key() {
      return "toy.width";
    }

    @Override
    public String id() {
      return "acme/toy";
    }

    @Override
    public Set<String> models() {
      return Set.of("ToyForCausalLM");
    }

    @Override
    public GgufMapping map(String model, ModelInfo info, Hyperparameters config) {
      List<Stored> tensors = new ArrayList<>(weights());
      tensors.add(whole("norm", NORM));
      return new GgufMapping("toy", tensors, Map.of(), Map.of(key(), 2), List.of());
    }
  }

  /** The contract with a model of three tensors. */
  private interface OfToy extends GgufArchitectureContract {
    @Override
    default ModelInfo model() {
      return ModelInfo.of("toy", List.of(WEIGHT, OTHER, NORM));
    }

    @Override
    default Hyperparameters config() {
      return new Hyperparameters("config.json", Map.of());
    }

    @Override
    default boolean registered() {
      return false;
    }
  }

  private Set<String> caught(Class<? extends OfToy> contract) {
    return ContractRun.of(contract, folder).tests(FAILED);
  }

  static final class Sound implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy();
    }
  }

  @Test
  void aSoundOnePasses() {
    assertThat(caught(Sound.class)).isEmpty();
  }

  /** Stores two rows twice, and two never: as many numbers as there are. */
  static final class StoresRowsTwice implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        List<Stored> weights() {
          Run half = new Run(WEIGHT, 0, 2, 0);
          return List.of(stored("weight", WEIGHT.shape(), half, half), whole("other", OTHER));
        }
      };
    }
  }

  @Test
  void rowsThatAreStoredTwiceStandForNoOthers() {
    assertThat(caught(StoresRowsTwice.class)).containsExactly("losesNothing");
  }

  static final class ForgetsATensor implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        List<Stored> weights() {
          return List.of(whole("weight", WEIGHT));
        }
      };
    }
  }

  @Test
  void aForgottenTensorIsFound() {
    assertThat(caught(ForgetsATensor.class)).containsExactly("losesNothing");
  }

  static final class MixesTypes implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        List<Stored> weights() {
          TensorShape both = TensorShape.of(8, 2);
          return List.of(stored("weight", both, new Run(WEIGHT, 0, 4, 0), new Run(OTHER, 0, 4, 0)));
        }
      };
    }
  }

  @Test
  void rowsOfTwoTypesAreFound() {
    assertThat(caught(MixesTypes.class)).containsExactly("storesWhatThereIs");
  }

  static final class ReadsBeyondTheEnd implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        List<Stored> weights() {
          Stored more = stored("more", TensorShape.of(3, 2), new Run(WEIGHT, 2, 3, 0));
          return List.of(whole("weight", WEIGHT), whole("other", OTHER), more);
        }
      };
    }
  }

  @Test
  void rowsThatAreNotThereAreFound() {
    assertThat(caught(ReadsBeyondTheEnd.class)).containsExactly("storesWhatThereIs");
  }

  static final class GivesANameTwice implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        List<Stored> weights() {
          return List.of(whole("weight", WEIGHT), whole("weight", OTHER));
        }
      };
    }
  }

  @Test
  void aNameOfTwoTensorsIsFound() {
    assertThat(caught(GivesANameTwice.class)).containsExactly("storesWhatThereIs");
  }

  static final class StoresAnything implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        public GgufMapping map(String model, ModelInfo info, Hyperparameters config) {
          List<Stored> all = info.tensors().stream().map(t -> whole(t.name(), t)).toList();
          return new GgufMapping("toy", all, Map.of(), Map.of(), List.of());
        }
      };
    }
  }

  @Test
  void anUnknownTensorThatIsStoredIsFound() {
    assertThat(caught(StoresAnything.class)).containsExactly("leavesUnknownTensorsToTheCaller");
  }

  static final class WritesKeysOfOthers implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        String key() {
          return "llama.width";
        }
      };
    }
  }

  @Test
  void aKeyOfAnotherArchitectureIsFound() {
    assertThat(caught(WritesKeysOfOthers.class)).containsExactly("keysAreItsOwn");
  }

  static final class CountsItsCalls implements OfToy {
    private static final AtomicInteger CALLS = new AtomicInteger();

    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        String key() {
          return "toy.width" + CALLS.incrementAndGet();
        }
      };
    }
  }

  @Test
  void twoMappingsOfOneModelAreFound() {
    assertThat(caught(CountsItsCalls.class)).containsExactly("mapsTheSameTwice");
  }

  static final class HasNoId implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        public String id() {
          return "Toy 1";
        }
      };
    }
  }

  @Test
  void anIdThatIsNoneIsFound() {
    assertThat(caught(HasNoId.class)).containsExactly("hasAnId");
  }

  static final class NamesNothing implements OfToy {
    @Override
    public GgufArchitecture subject() {
      return new Toy() {
        @Override
        public Set<String> models() {
          return Set.of();
        }
      };
    }
  }

  @Test
  void anArchitectureOfNoModelIsFound() {
    assertThat(caught(NamesNothing.class)).containsExactly("namesItsModels");
  }
}
