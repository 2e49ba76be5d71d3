package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import dev.monoquant.ModelFormatException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.ModelInput;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A directory that DJL serves becomes a directory that DJL serves, if no format is named. */
class ServedDirectoryTest {

  private static final Path CNN = Path.of("src", "test", "resources", "digits", "cnn.traced.pt");

  private static final QuantizationConfig ALL =
      QuantizationConfig.builder().option("small", "0").build();

  @TempDir private Path folder;

  private Path served(String archive, String properties) throws Exception {
    Path served = Files.createDirectory(folder.resolve("digits"));
    Files.copy(CNN, served.resolve(archive));
    Files.writeString(served.resolve("synset.txt"), "a\nb\n");
    Files.writeString(served.resolve("tokenizer.json"), "{}");
    if (!properties.isEmpty()) {
      Files.writeString(served.resolve("serving.properties"), properties.replace(' ', '\n') + "\n");
    }
    return served;
  }

  /** The outputs, and the name and properties of the model. */
  private static List<Object> serve(Path directory) throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        ZooModel<NDList, NDList> model =
            Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(directory)
                .optEngine("PyTorch")
                .build()
                .loadModel();
        Predictor<NDList, NDList> predictor = model.newPredictor()) {
      NDArray images = manager.linspace(0, 1, 128).reshape(new Shape(2, 1, 8, 8));
      NDArray scores = predictor.predict(new NDList(images)).singletonOrThrow();
      scores.attach(manager);
      List<String> artifacts = Arrays.asList(model.getArtifactNames());
      return List.of(
          Arrays.toString(scores.argMax(1).toLongArray()),
          model.getProperties(),
          artifacts.stream().filter(a -> !a.startsWith("monoquant")).sorted().toList());
    }
  }

  /** DJL looks for the name in the properties, then for that of the directory, then model.pt. */
  @ParameterizedTest
  @CsvSource({
    "digits.pt, '', int8.pt",
    "digits.pt, engine=PyTorch batch_size=4, int8.pt",
    "digits.pt, option.modelName=digits option.mapLocation=true, digits.pt",
    "digits.pt, option.modelName=other, int8.pt",
    "net.pt, option.modelName=net, net.pt",
    "model.pt, engine=PyTorch, model.pt",
  })
  void theOutputIsServedInTheSameWay(String archive, String properties, String expected)
      throws Exception {
    Path served = served(archive, properties);
    Path target = folder.resolve("int8");
    Quantizer quantizer = Quantizer.create();
    Plan plan = quantizer.plan(ModelInput.of(served), ALL, Optional.of(target));
    assertThat(plan.outputFormat()).isEqualTo("torchscript");
    Report report = quantizer.quantize(ModelInput.of(served), ALL, target, false);
    assertThat(report.run()).isPresent();
    assertThat(report.plan().output().orElseThrow().beside())
        .filteredOn(file -> file.fate() == BesideFile.Fate.CARRIED)
        .extracting(BesideFile::name)
        .contains("synset.txt", "tokenizer.json");
    assertThat(target.resolve(expected)).isRegularFile();
    for (File file : served.toFile().listFiles()) {
      if (!file.getName().endsWith(".pt")) {
        assertThat(target.resolve(file.getName())).hasSameBinaryContentAs(file.toPath());
      }
    }
    assertThat(Files.size(target.resolve(expected))).isLessThan(Files.size(CNN) / 2);
    assertThat(serve(target)).isEqualTo(serve(served));
    // Written again over itself, and for other loaders if they are named.
    quantizer.quantize(ModelInput.of(served), ALL, target, true);
    QuantizationConfig other = QuantizationConfig.builder().format("compressed-tensors").build();
    assertThat(quantizer.plan(ModelInput.of(served), other, Optional.of(target)).outputFormat())
        .isEqualTo("compressed-tensors");
    Path file = folder.resolve("int8.safetensors");
    QuantizationConfig none = QuantizationConfig.DEFAULT;
    assertThat(quantizer.plan(ModelInput.of(served), none, Optional.of(file)).outputFormat())
        .isEqualTo("safetensors");
  }

  @Test
  void severalArchivesAreRefusedByName() throws Exception {
    Path served = served("digits.pt", "option.modelName=digits");
    Files.copy(CNN, served.resolve("spare.pt"));
    Path target = folder.resolve("int8");
    assertThatThrownBy(() -> Quantizer.create().quantize(ModelInput.of(served), ALL, target, false))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("digits.pt and spare.pt");
    assertThat(target).doesNotExist();
  }
}
