package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code quant bench} on real models. */
class BenchCommandTest {

  private static final Path DIGITS = Path.of("src", "test", "resources", "digits");
  private static final Path CNN = DIGITS.resolve("cnn.traced.pt");

  @TempDir private Path folder;
  private final InProcess quant = new InProcess();

  private Path npz(String file, NDList arrays) throws IOException {
    Path path = folder.resolve(file);
    try (OutputStream to = Files.newOutputStream(path)) {
      arrays.encode(to, NDList.Encoding.NPZ);
    }
    return path;
  }

  @Test
  void aModelIsAsItself() {
    assertThat(quant.run("bench", CNN, CNN, "--json")).as(quant.err()).isZero();
    JsonObject json = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(json.get("inputs").getAsString()).isEqualTo("made-up numbers of shape [2, 1, 8, 8]");
    JsonArray models = json.getAsJsonArray("models");
    assertThat(models).hasSize(2);
    for (int i = 0; i < 2; i++) {
      JsonObject model = models.get(i).getAsJsonObject();
      assertThat(model.get("median_ns").getAsLong())
          .isGreaterThanOrEqualTo(model.get("fastest_ns").getAsLong());
      assertThat(model.getAsJsonObject("outputs").get("elements").getAsLong()).isEqualTo(20);
      assertThat(model.getAsJsonObject("outputs").get("cosine").getAsDouble())
          .isCloseTo(1, within(1e-12));
      assertThat(model.get("mismatched").getAsLong()).isZero();
    }
    assertThat(quant.run("bench", DIGITS.resolve("transformer.traced.pt")))
        .as(quant.err())
        .isZero();
    assertThat(quant.out()).contains("transformer.traced.pt", "1.00x", "output cosine");
  }

  /** Packed weights of torch.ao cannot be read, and are not needed to check and run the code. */
  @Test
  void aModelWhoseWeightsCannotBeReadIsCheckedAndRun() throws IOException {
    Path packed = Path.of("src", "test", "resources", "torchscript", "packed.pt");
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDArray images = manager.ones(new Shape(2, 1, 8, 8));
      Path sample = npz("images.npz", new NDList(images));
      assertThat(quant.run("bench", packed, "--sample", sample, "--rounds", 1))
          .as(quant.err())
          .isZero();
      assertThat(quant.out()).contains("packed.pt", "1.00x");
      assertThat(quant.run("bench", CNN, packed, "--sample", sample, "--rounds", 1))
          .as(quant.err())
          .isZero();
      assertThat(quant.out()).contains("cnn.traced.pt", "packed.pt");
    }
    assertThat(quant.run("bench", packed)).isEqualTo(2);
    assertThat(quant.err()).contains("--sample");
    assertThat(quant.run("quantize", packed, "-o", folder.resolve("again.pt"))).isEqualTo(3);
    assertThat(quant.err()).contains("packed or quantized");
  }

  @Test
  void roundsAndTimeAreAsAskedFor() {
    assertThat(quant.run("bench", CNN, CNN, "--json", "--rounds", 3)).as(quant.err()).isZero();
    JsonObject three = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(three.get("rounds").getAsInt()).isEqualTo(3);
    JsonObject second = three.getAsJsonArray("models").get(1).getAsJsonObject();
    assertThat(second.get("speedup_low").getAsDouble())
        .isLessThanOrEqualTo(second.get("speedup_high").getAsDouble());
    assertThat(second.get("slowest_ns").getAsLong())
        .isGreaterThanOrEqualTo(second.get("median_ns").getAsLong());
    assertThat(quant.run("bench", CNN, "--json", "--seconds", 0.001)).as(quant.err()).isZero();
    assertThat(JsonParser.parseString(quant.out()).getAsJsonObject().get("rounds").getAsInt())
        .isEqualTo(5);
    assertThat(quant.run("bench", CNN, "--rounds", 0)).isEqualTo(2);
    assertThat(quant.err()).contains("--rounds 0: a number above 0 is needed");
    assertThat(quant.run("bench", CNN, "--seconds", -1)).isEqualTo(2);
    assertThat(quant.err()).contains("--seconds -1.0: a number above 0 is needed");
  }

  @Test
  void samplesComeFromAFile() throws IOException {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDArray images = manager.ones(new Shape(3, 1, 8, 8));
      images.setName("images");
      NDArray labels = manager.ones(new Shape(3));
      labels.setName("labels");
      Path good = npz("good.npz", new NDList(labels, images));
      assertThat(quant.run("bench", CNN, "--sample", good, "--json")).as(quant.err()).isZero();
      assertThat(quant.out()).contains("good.npz", "\"elements\": 30");

      Path none = npz("none.npz", new NDList(labels));
      assertThat(quant.run("bench", CNN, "--sample", none)).isEqualTo(2);
      assertThat(quant.err()).contains("holds no inputs, only [labels]");

      NDArray flat = manager.ones(new Shape(3, 64));
      flat.setName("images");
      assertThat(quant.run("bench", CNN, "--sample", npz("flat.npz", new NDList(flat))))
          .isEqualTo(2);
      assertThat(quant.err()).contains("it fails on", "flat.npz", "what its forward takes");
    }
    Path broken = Files.write(folder.resolve("broken.npz"), new byte[] {'P', 'K', 3, 4, 5});
    assertThat(quant.run("bench", CNN, "--sample", broken)).isEqualTo(2);
    assertThat(quant.err()).contains("could not be read as .npz");
  }

  @Test
  void whatDoesNotRunIsToldByName() throws IOException {
    Path broken = Files.copy(CNN, folder.resolve("broken.pt"));
    byte[] bytes = Files.readAllBytes(broken);
    Files.write(broken, Arrays.copyOf(bytes, bytes.length / 2));
    assertThat(quant.run("bench", CNN, broken)).isEqualTo(3);
    assertThat(quant.err()).contains("broken.pt: ");
    assertThat(quant.run("bench", CNN, broken, "--trust")).isEqualTo(4);
    assertThat(quant.err()).contains("broken.pt: the PyTorch engine does not load it");
    assertThat(quant.run("bench", CNN, Distribution.DIGITS)).isEqualTo(3);
    assertThat(quant.err()).contains("Only TorchScript files are run");
    assertThat(quant.run("bench", CNN, DIGITS.resolve("lstm.traced.pt"))).isZero();
    assertThat(quant.run("bench", CNN, DIGITS.resolve("transformer.traced.pt"))).isEqualTo(4);
    assertThat(quant.err()).contains("transformer.traced.pt: it fails on");
    assertThat(quant.run("bench")).isEqualTo(2);
    assertThat(quant.run("bench", broken, CNN)).isEqualTo(3);
    assertThat(quant.run("bench", Distribution.DIGITS)).isEqualTo(3);
    assertThat(quant.err()).contains("Only TorchScript files are run");
    assertThat(quant.run("bench", CNN, "--sample", folder.resolve("no.npz"))).isEqualTo(2);
    assertThat(quant.err()).contains("no.npz\": there is no such file");
  }
}
