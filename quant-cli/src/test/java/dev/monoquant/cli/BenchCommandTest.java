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
import java.io.PrintWriter;
import java.io.StringWriter;
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
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(Object... args) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    String[] texts = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      texts[i] = args[i].toString();
    }
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), texts);
  }

  private Path npz(String file, NDList arrays) throws IOException {
    Path path = folder.resolve(file);
    try (OutputStream to = Files.newOutputStream(path)) {
      arrays.encode(to, NDList.Encoding.NPZ);
    }
    return path;
  }

  @Test
  void aModelIsAsItself() {
    assertThat(run("bench", CNN, CNN, "--json")).as(err.toString()).isZero();
    JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
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
    assertThat(run("bench", DIGITS.resolve("transformer.traced.pt"))).as(err.toString()).isZero();
    assertThat(out.toString()).contains("transformer.traced.pt", "1.00x", "output cosine");
  }

  @Test
  void samplesComeFromAFile() throws IOException {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDArray images = manager.ones(new Shape(3, 1, 8, 8));
      images.setName("images");
      NDArray labels = manager.ones(new Shape(3));
      labels.setName("labels");
      Path good = npz("good.npz", new NDList(labels, images));
      assertThat(run("bench", CNN, "--sample", good, "--json")).as(err.toString()).isZero();
      assertThat(out.toString()).contains("good.npz", "\"elements\": 30");

      Path none = npz("none.npz", new NDList(labels));
      assertThat(run("bench", CNN, "--sample", none)).isEqualTo(2);
      assertThat(err.toString()).contains("holds no inputs, only [labels]");

      NDArray flat = manager.ones(new Shape(3, 64));
      flat.setName("images");
      assertThat(run("bench", CNN, "--sample", npz("flat.npz", new NDList(flat)))).isEqualTo(2);
      assertThat(err.toString()).contains("it fails on", "flat.npz", "what its forward takes");
    }
    Path broken = Files.write(folder.resolve("broken.npz"), new byte[] {'P', 'K', 3, 4, 5});
    assertThat(run("bench", CNN, "--sample", broken)).isEqualTo(2);
    assertThat(err.toString()).contains("could not be read as .npz");
  }

  @Test
  void whatDoesNotRunIsToldByName() throws IOException {
    Path broken = Files.copy(CNN, folder.resolve("broken.pt"));
    byte[] bytes = Files.readAllBytes(broken);
    Files.write(broken, Arrays.copyOf(bytes, bytes.length / 2));
    assertThat(run("bench", CNN, broken)).isEqualTo(4);
    assertThat(err.toString()).contains("broken.pt: the PyTorch engine does not load it");
    assertThat(run("bench", CNN, DIGITS.resolve("lstm.traced.pt"))).isZero();
    assertThat(run("bench", CNN, DIGITS.resolve("transformer.traced.pt"))).isEqualTo(4);
    assertThat(err.toString()).contains("transformer.traced.pt: it fails on");
    assertThat(run("bench")).isEqualTo(2);
    assertThat(run("bench", broken, CNN)).isEqualTo(3);
    assertThat(run("bench", Distribution.DIGITS)).isEqualTo(3);
    assertThat(err.toString()).contains("Only TorchScript files are run");
    assertThat(run("bench", CNN, "--sample", folder.resolve("no.npz"))).isEqualTo(2);
    assertThat(err.toString()).contains("no.npz\": there is no such file");
  }
}
