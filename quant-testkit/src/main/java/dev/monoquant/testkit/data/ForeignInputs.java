package dev.monoquant.testkit.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.ndarray.NDList;
import ai.djl.nn.SequentialBlock;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Inputs that are not valid models, for tests of detectors. */
public final class ForeignInputs {

  private ForeignInputs() {}

  /**
   * Files, directories and live objects that are not models. The live ones are empty, so no engine
   * is started; {@link LiveInputs} have arrays.
   *
   * @param folder an empty folder, filled here
   * @return the inputs; the files are in the folder, and one does not exist
   * @throws IOException if the folder cannot be written
   */
  public static List<ModelInput> in(Path folder) throws IOException {
    List<ModelInput> inputs = new ArrayList<>();
    Path directory = Files.createDirectory(folder.resolve("directory"));
    Files.writeString(directory.resolve("readme.txt"), "nothing to see");
    Files.createDirectory(directory.resolve("model.safetensors"));
    inputs.add(ModelInput.of(directory));
    inputs.add(ModelInput.of(Files.createDirectory(folder.resolve("empty"))));
    inputs.add(ModelInput.of(folder.resolve("missing.safetensors")));
    inputs.add(ModelInput.of(folder.resolve("missing").resolve("model.pt")));
    // The first bytes of known formats, followed by unrelated bytes.
    byte[][] starts = {
      {},
      {0},
      {'P', 'K', 3, 4},
      {(byte) 0x80, 2},
      {-1, -1, -1, -1, -1, -1, -1, 127, '{'},
      "{\"weight_map\":".getBytes(UTF_8),
      "\uFEFF[[[[[[[[".getBytes(UTF_8)
    };
    for (int i = 0; i < starts.length; i++) {
      for (String ending : new String[] {"", ".safetensors", ".pt", ".json"}) {
        inputs.add(ModelInput.of(Files.write(folder.resolve("start" + i + ending), starts[i])));
      }
    }
    SplittableRandom random = new SplittableRandom(1);
    for (int size : new int[] {1, 7, 8, 9, 100, 4096, InputFormatDetector.LOOK_AHEAD + 1}) {
      byte[] bytes = new byte[size];
      random.nextBytes(bytes);
      inputs.add(ModelInput.of(Files.write(folder.resolve("random" + size), bytes)));
    }
    inputs.add(ModelInput.of(Map.of()));
    inputs.add(ModelInput.of(new NDList()));
    inputs.add(ModelInput.of(new SequentialBlock()));
    return inputs;
  }
}
