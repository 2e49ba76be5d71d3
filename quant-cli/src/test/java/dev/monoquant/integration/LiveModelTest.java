package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.modality.cv.transform.ToTensor;
import ai.djl.modality.cv.translator.ImageClassificationTranslator;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.FileNotFoundException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A live result answers what the model answers that it was made from. */
class LiveModelTest {

  private static final Path CNN = Path.of("src", "test", "resources", "digits", "cnn.traced.pt");

  private static final QuantizationConfig ALL =
      QuantizationConfig.builder().option("small", "0").build();

  private static final String NAMES =
      "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";

  @TempDir private Path folder;
  private Path served;

  @BeforeEach
  void write() throws Exception {
    served = Files.createDirectory(folder.resolve("digits"));
    Files.copy(CNN, served.resolve("digits.pt"));
    Files.writeString(served.resolve("synset.txt"), NAMES);
    Files.writeString(served.resolve("serving.properties"), "engine=PyTorch\nbatch_size=4\n");
  }

  private static ImageClassificationTranslator translator() {
    return ImageClassificationTranslator.builder()
        .optFlag(Image.Flag.GRAYSCALE)
        .addTransform(new ToTensor())
        .optApplySoftmax(true)
        .build();
  }

  private static Image image() {
    int[] pixels = new Random(1).ints(64, 0, 1 << 24).map(p -> p | 0xff000000).toArray();
    return ImageFactory.getInstance().fromPixels(pixels, 8, 8);
  }

  private ZooModel<Image, Classifications> load() throws Exception {
    return Criteria.builder()
        .setTypes(Image.class, Classifications.class)
        .optModelPath(served)
        .optEngine("PyTorch")
        .optTranslator(translator())
        .build()
        .loadModel();
  }

  @SuppressWarnings("unchecked")
  private static ZooModel<Image, Classifications> quantize(Model model) {
    return (ZooModel<Image, Classifications>) Quantizer.create().quantize(model, ALL);
  }

  private static Classifications classify(ZooModel<Image, Classifications> model) throws Exception {
    try (Predictor<Image, Classifications> predictor = model.newPredictor()) {
      return predictor.predict(image());
    }
  }

  @Test
  void theResultAnswersWhatTheOriginalAnswers() throws Exception {
    try (ZooModel<Image, Classifications> model = load()) {
      model.setProperty("note", "mine");
      model.setDataType(DataType.FLOAT16);
      try (ZooModel<Image, Classifications> result = quantize(model)) {
        assertThat(result.getName()).isEqualTo(model.getName()).isEqualTo("digits");
        assertThat(result.getModelPath()).isEqualTo(model.getModelPath());
        assertThat(result.getProperties())
            .isEqualTo(model.getProperties())
            .containsEntry("batch_size", "4")
            .containsEntry("note", "mine");
        assertThat(result.getDataType()).isEqualTo(DataType.FLOAT16);
        assertThat(result.getTranslator()).isSameAs(model.getTranslator());
        assertThat(result.getArtifactNames())
            .isEqualTo(model.getArtifactNames())
            .contains("synset.txt", "serving.properties");
        assertThat(result.getArtifact("synset.txt")).isEqualTo(model.getArtifact("synset.txt"));
        try (InputStream stream = result.getArtifactAsStream("synset.txt")) {
          assertThat(stream.readAllBytes()).isEqualTo(NAMES.getBytes(StandardCharsets.UTF_8));
        }
        assertThatThrownBy(() -> result.getArtifact("none.txt"))
            .isInstanceOf(FileNotFoundException.class);
        assertThat(result.getBlock()).isNotSameAs(model.getBlock());
        result.setProperty("note", "its own");
        assertThat(model.getProperty("note")).isEqualTo("mine");
      }
    }
  }

  /** The classes of {@code synset.txt} are the names in the answer, whichever is closed first. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void translatorsWorkAsOnTheOriginal(boolean originalFirst) throws Exception {
    quantizeOnce();
    int arrays = LiveArrays.count();
    ZooModel<Image, Classifications> model = load();
    Classifications before = classify(model);
    ZooModel<Image, Classifications> result = quantize(model);
    Classifications after = classify(result);
    assertThat(after.getClassNames()).isEqualTo(before.getClassNames()).contains("seven");
    assertThat(after.best().getClassName()).isEqualTo(before.best().getClassName());
    assertThat(after.getProbabilities()).isNotEqualTo(before.getProbabilities());
    (originalFirst ? model : result).close();
    ZooModel<Image, Classifications> open = originalFirst ? result : model;
    Classifications expected = originalFirst ? after : before;
    assertThat(classify(open).getProbabilities()).isEqualTo(expected.getProbabilities());
    try (Predictor<Image, Classifications> other = open.newPredictor(translator())) {
      assertThat(other.predict(image()).getClassNames()).isEqualTo(before.getClassNames());
    }
    open.close();
    assertThat(LiveArrays.count()).isEqualTo(arrays);
  }

  /** The engine keeps some arrays of its first run. */
  private void quantizeOnce() throws Exception {
    try (ZooModel<Image, Classifications> model = load();
        ZooModel<Image, Classifications> result = quantize(model)) {
      classify(model);
      classify(result);
    }
  }

  /** A model that is saved elsewhere has its files there; the engine saves blocks made in Java. */
  @Test
  void filesFollowAModelThatIsSaved() throws Exception {
    Path elsewhere = Files.createDirectory(folder.resolve("saved"));
    try (Model model = Model.newInstance("digits", "PyTorch")) {
      model.load(served);
      try (Model result = Quantizer.create().quantize(model, ALL)) {
        assertThat(result).isNotInstanceOf(ZooModel.class);
        Block block = Linear.builder().setUnits(1).build();
        block.initialize(result.getNDManager(), DataType.FLOAT32, new Shape(1, 2));
        result.setBlock(block);
        result.setProperty("Epoch", "1");
        result.save(elsewhere, "digits");
        assertThat(result.getModelPath()).isEqualTo(elsewhere.toAbsolutePath());
        assertThat(result.getArtifactNames()).containsExactly("digits-0001.params");
        assertThat(model.getModelPath()).isEqualTo(served);
      }
    }
  }
}
