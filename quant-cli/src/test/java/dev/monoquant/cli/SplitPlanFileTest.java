package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file of {@code quant plan}: it replaces an earlier plan and nothing else. */
class SplitPlanFileTest {

  @TempDir private Path dir;
  private Path model = Path.of("");
  private final InProcess quant = new InProcess();

  @BeforeEach
  void makeModel() throws IOException {
    model = Models.tensors(dir.resolve("in.safetensors"), "a.weight 64x128; b.weight 64x128");
  }

  private int plan(Path plan) {
    Path output = dir.resolve("out.safetensors");
    return quant.run("plan", model, "-o", output, "--split", "2", "--plan", plan, "--force");
  }

  @Test
  void neitherTheInputNorTheOutputIsReplaced() throws IOException {
    byte[] before = Files.readAllBytes(model);
    assertThat(plan(model)).isEqualTo(5);
    assertThat(quant.err()).contains("lies in, the input");
    assertThat(model).hasBinaryContent(before);
    assertThat(plan(dir.resolve("out.safetensors"))).isEqualTo(5);
    assertThat(quant.err()).contains("lies in, the output");
    assertThat(dir.resolve("out.safetensors")).doesNotExist();
    Path link = Files.createSymbolicLink(dir.resolve("plan.json"), model);
    assertThat(plan(link)).isEqualTo(5);
    assertThat(model).hasBinaryContent(before);
  }

  @Test
  void aFileThatIsNoPlanIsNotReplaced() throws IOException {
    Path notes = Files.writeString(dir.resolve("notes.json"), "{}");
    assertThat(plan(notes)).isEqualTo(5);
    assertThat(quant.err()).contains("exists and is no plan");
    assertThat(notes).hasContent("{}");
  }

  @Test
  void aFileOfAnySizeIsRefusedInOneMessage() throws IOException {
    Path huge = dir.resolve("huge.json");
    try (RandomAccessFile file = new RandomAccessFile(huge.toFile(), "rw")) {
      file.setLength(3L << 30);
    }
    assertThat(quant.run("run", huge, "--unit", "0")).isEqualTo(2);
    assertThat(quant.err()).contains("huge.json: has 3221225472 bytes, and a plan at most");
  }

  @Test
  void anEarlierPlanIsReplacedAndNoOtherFileIsTouched() throws IOException {
    Path plan = dir.resolve("plan.json");
    Path other = Files.writeString(dir.resolve("plan.json.tmp"), "mine");
    assertThat(plan(plan)).as(quant.err()).isZero();
    assertThat(plan(plan)).as(quant.err()).isZero();
    assertThat(other).hasContent("mine");
    assertThat(SplitPlanFile.read(plan).units()).hasSize(2);
    assertThat(quant.run("run", plan, "--unit", "0", "--input-format", "safetensors")).isEqualTo(2);
    assertThat(quant.err()).contains("--input-format: the plan says");
  }

  @Test
  void aRecipeWithoutAFolderIsRefusedBeforeAnythingIsMeasured() {
    Path recipe = dir.resolve("absent").resolve("recipe.json");
    Path script = Path.of("src", "test", "resources", "torchscript", "linear.pt");
    int code =
        quant.run("tune", script, "--sample", "absent.npz", "--target-cosine", "0.9", "-o", recipe);
    assertThat(code).isEqualTo(5);
    assertThat(quant.err()).contains("absent does not exist");
    assertThat(quant.run("tune", script, "--target-cosine", "0.9", "-o", script, "--force"))
        .isEqualTo(5);
    assertThat(quant.err()).contains("lies in, the input");
  }
}
