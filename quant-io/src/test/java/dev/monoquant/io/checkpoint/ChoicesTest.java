package dev.monoquant.io.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.PickleText;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.io.safetensors.SafetensorsFormat;
import dev.monoquant.io.torchscript.TorchScriptFormat;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadChoices;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which entry of a nested checkpoint is taken, what is left out, and what names become. */
class ChoicesTest {

  @TempDir Path folder;

  /** Each path is the place of a tensor; steps are joined with slashes. */
  private Path checkpoint(String... paths) throws IOException {
    PickleText out = new PickleText();
    List<String> sorted = List.of(paths);
    write(out, sorted, 0);
    return Files.write(
        Files.createTempFile(folder, "nested", ".pt"),
        ZipText.checkpoint(out.stop(), new byte[4]).build());
  }

  /** A dict of all paths, which share their first steps up to a depth. */
  private static void write(PickleText out, List<String> paths, int depth) {
    out.op('}').op('(');
    paths.stream()
        .map(p -> p.split("/", -1)[depth])
        .distinct()
        .forEach(
            key -> {
              out.text(key);
              List<String> under =
                  paths.stream().filter(p -> p.split("/", -1)[depth].equals(key)).toList();
              if (under.get(0).split("/", -1).length == depth + 1) {
                out.tensor("Float", "0", 1, 0, new long[0], new long[0]);
              } else {
                write(out, under, depth + 1);
              }
            });
    out.op('u');
  }

  private static List<String> names(Path file, ReadChoices choices) throws IOException {
    try (ModelSource source = open(file, choices)) {
      return source.info().tensors().stream().map(TensorInfo::name).toList();
    }
  }

  private static ModelSource open(Path file, ReadChoices choices) throws IOException {
    return new TorchCheckpointFormat().open(ModelInput.of(file, choices), ReadLimits.DEFAULT);
  }

  @Test
  void theUsualEntryIsTakenAndTheRestReported() throws IOException {
    Path file = checkpoint("ema/a.w", "state_dict/a.w", "state_dict/a.b", "optimizer/0/exp_avg");
    try (ModelSource source = open(file, ReadChoices.DEFAULT)) {
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .containsExactly("a.w", "a.b");
      assertThat(source.info().notes())
          .contains(
              "The weights are those of entry \"state_dict\".",
              "Left out: \"ema\" (1 tensor), \"optimizer\" (1 tensor).");
    }
  }

  /** As EMA of a diffusion trainer saves itself: counters beside the weights. */
  @Test
  void anAverageIsTakenIfThereAreNoOtherWeights() throws IOException {
    try (ModelSource source =
        open(checkpoint("ema_model/a.w", "initted", "step"), ReadChoices.DEFAULT)) {
      assertThat(source.info().tensors()).extracting(TensorInfo::name).containsExactly("a.w");
      assertThat(source.info().notes())
          .contains("The weights are those of entry \"ema_model\".")
          .anyMatch(note -> note.startsWith("Left out: \"initted\" (1 tensor)"));
    }
    assertThat(names(checkpoint("params/w", "params_ema/w"), ReadChoices.DEFAULT))
        .containsExactly("w");
    assertThatThrownBy(() -> open(checkpoint("ema/w", "unet/w"), ReadChoices.DEFAULT).close())
        .hasMessageContaining("several entries");
  }

  @Test
  void anEntryMayBeNestedAgain() throws IOException {
    Path file = checkpoint("model/state_dict/a.w", "optim/x");
    try (ModelSource source = open(file, ReadChoices.DEFAULT)) {
      assertThat(source.info().tensors()).extracting(TensorInfo::name).containsExactly("a.w");
      assertThat(source.info().notes())
          .contains("The weights are those of entry \"model/state_dict\".");
    }
  }

  @Test
  void theOnlyEntryThatIsNoTrainingStateIsTaken() throws IOException {
    assertThat(names(checkpoint("netG/w", "optimizerG/m"), ReadChoices.DEFAULT))
        .containsExactly("w");
  }

  @Test
  void severalEntriesAreForTheUserToChoose() throws IOException {
    Path file = checkpoint("netG/w", "netD/w");
    assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.AMBIGUOUS_ROOT))
        .hasMessageContaining("\"netD\" (1 tensor), \"netG\" (1 tensor)")
        .hasMessageContaining("--entry netG");
    assertThat(names(file, ReadChoices.DEFAULT.withEntry("netD"))).containsExactly("w");
    assertThat(names(file, ReadChoices.DEFAULT.withEntry("/"))).containsExactly("netG/w", "netD/w");
    assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT.withEntry("net")).close())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("\"net\"")
        .hasMessageContaining("\"netD\" (1 tensor)");
  }

  @Test
  void twoUsualEntriesAreForTheUserToChoose() throws IOException {
    Path file = checkpoint("model/w", "state_dict/w");
    assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("several entries");
  }

  @Test
  void trainingStateIsTakenOnlyWhenChosen() throws IOException {
    Path file = checkpoint("optimizer_state_dict/m", "lr_scheduler/x");
    assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NO_TENSORS));
    assertThat(names(file, ReadChoices.DEFAULT.withEntry("optimizer_state_dict")))
        .containsExactly("m");
  }

  @Test
  void prefixesAreKeptOrTakenOff() throws IOException {
    Path file = checkpoint("module._orig_mod.a.w", "module._orig_mod.module.b");
    for (ReadChoices choices :
        List.of(ReadChoices.DEFAULT, ReadChoices.DEFAULT.withStripPrefixes(false))) {
      try (ModelSource kept = open(file, choices)) {
        assertThat(kept.info().tensors())
            .extracting(TensorInfo::name)
            .containsExactly("module._orig_mod.a.w", "module._orig_mod.module.b");
        assertThat(kept.info().notes()).noneMatch(n -> n.contains("taken off"));
      }
    }
    try (ModelSource bare = open(file, ReadChoices.DEFAULT.withStripPrefixes(true))) {
      assertThat(bare.info().tensors())
          .extracting(TensorInfo::name)
          .containsExactly("a.w", "module.b");
      assertThat(bare.info().notes())
          .contains("The prefix \"module._orig_mod.\" is taken off all names.");
    }
  }

  @Test
  void aPrefixOfSomeNamesStays() throws IOException {
    Path file = checkpoint("module.a", "b");
    try (ModelSource source = open(file, ReadChoices.DEFAULT.withStripPrefixes(true))) {
      assertThat(source.info().tensors())
          .extracting(TensorInfo::name)
          .containsExactly("module.a", "b");
      assertThat(source.info().notes()).noneMatch(n -> n.contains("taken off"));
    }
  }

  @Test
  void aNameIsNeverTakenOffWhole() throws IOException {
    assertThat(names(checkpoint("module."), ReadChoices.DEFAULT.withStripPrefixes(true)))
        .containsExactly("module.");
  }

  @Test
  void twoPathsOfOneNameAreRefused() throws IOException {
    // A key with a slash in it, and the same path by nesting.
    byte[] pickle =
        new PickleText()
            .op('}')
            .op('(')
            .text("a/b")
            .tensor("Float", "0", 1, 0, new long[0], new long[0])
            .text("a")
            .op('}')
            .text("b")
            .tensor("Float", "0", 1, 0, new long[0], new long[0])
            .op('s')
            .op('u')
            .stop();
    Path file =
        Files.write(folder.resolve("slash.pt"), ZipText.checkpoint(pickle, new byte[4]).build());
    assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.DUPLICATE_KEY));
  }

  @Test
  void aChoiceThatWouldBeIgnoredIsAnError() {
    ReadChoices entry = ReadChoices.DEFAULT.withEntry("model");
    ReadChoices strip = ReadChoices.DEFAULT.withStripPrefixes(true);
    ReadChoices fold = ReadChoices.DEFAULT.withFold(false);
    requireIgnored(new SafetensorsFormat(), entry);
    for (ReadChoices choices : List.of(entry, strip, fold)) {
      requireIgnored(new TorchScriptFormat(), choices);
    }
  }

  private void requireIgnored(InputFormatDetector detector, ReadChoices choices) {
    ModelInput input = ModelInput.of(folder.resolve("any"), choices);
    assertThatThrownBy(() -> detector.open(input, ReadLimits.DEFAULT).close())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(detector.id());
  }

  @Test
  void aUsualEntryWinsOverStrayTensorsBesideIt() throws IOException {
    for (String entry : List.of("model", "state_dict", "net", "params")) {
      Path file =
          checkpoint("best_val_loss", entry + "/a.w", entry + "/a.b", "mean", "optimizer/x");
      try (ModelSource source = open(file, ReadChoices.DEFAULT)) {
        assertThat(source.info().tensors())
            .extracting(TensorInfo::name)
            .containsExactly("a.w", "a.b");
        assertThat(source.info().notes())
            .contains(
                "The weights are those of entry \"" + entry + "\".",
                "Left out: \"best_val_loss\" (1 tensor), \"mean\" (1 tensor), \"optimizer\" (1"
                    + " tensor).");
      }
    }
    assertThat(names(checkpoint("model/state_dict/w", "model/mean", "loss"), ReadChoices.DEFAULT))
        .containsExactly("w");
    assertThat(names(checkpoint("model/weight", "mean", "std"), ReadChoices.DEFAULT))
        .containsExactly("weight");
    assertThat(names(checkpoint("a.w", "extra/w", "mean"), ReadChoices.DEFAULT))
        .containsExactly("a.w", "extra/w", "mean");
  }

  @Test
  void aStateDictBesideAUsualEntryIsForTheUserToChoose() throws IOException {
    Path file = checkpoint("fc1.w", "fc1.b", "fc2.w", "model/a.w", "model/a.b");
    assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.AMBIGUOUS_ROOT))
        .hasMessageContaining("--entry model")
        .hasMessageContaining("--entry /");
    assertThat(names(file, ReadChoices.DEFAULT.withEntry("model"))).containsExactly("a.w", "a.b");
  }

  @Test
  void anOptimizerIsKnownByWhatItHolds() throws IOException {
    for (Path file :
        List.of(
            checkpoint("state/0/step", "state/0/exp_avg", "state/1/step"),
            checkpoint("state/fc.w/exp_avg", "state/fc.w/exp_avg_sq"),
            checkpoint("0/state/0/momentum_buffer", "1/state/0/momentum_buffer"))) {
      assertThatThrownBy(() -> open(file, ReadChoices.DEFAULT).close())
          .isInstanceOfSatisfying(
              ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NO_TENSORS))
          .hasMessageContaining("state of an optimizer");
    }
    Path both = checkpoint("gen/a.w", "opt_g/state/0/exp_avg", "opt_g/state/0/step");
    assertThat(names(both, ReadChoices.DEFAULT)).containsExactly("a.w");
    assertThat(names(checkpoint("state/a.w", "state/b.w"), ReadChoices.DEFAULT))
        .containsExactly("a.w", "b.w");
  }

  /** A dict of the model's tensor, and of an object that is made by a call. */
  private Path withObject(String model, String key, String module, String name) throws IOException {
    PickleText out = new PickleText().op('}').op('(');
    if (model.isEmpty()) {
      out.text("w").tensor("Float", "0", 1, 0, new long[0], new long[0]);
    } else {
      out.text(model).op('}').text("w");
      out.tensor("Float", "0", 1, 0, new long[0], new long[0]).op('s');
    }
    out.text(key).global(module, name).op('(').text("x").op('t').op('R').op('u');
    return Files.write(
        Files.createTempFile(folder, "object", ".pt"),
        ZipText.checkpoint(out.stop(), new byte[4]).build());
  }

  private void requireGlobal(Path file, ReadChoices choices, String name) {
    assertThatThrownBy(() -> open(file, choices).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.PICKLE_GLOBAL))
        .hasMessageContaining(name);
  }

  @Test
  void anObjectIsSkippedBesideTheWeightsOnly() throws IOException {
    Path beside = withObject("model", "args", "madeup.config", "Args");
    try (ModelSource source = open(beside, ReadChoices.DEFAULT)) {
      assertThat(source.info().tensors()).extracting(TensorInfo::name).containsExactly("w");
      assertThat(source.info().notes())
          .contains(
              "Skipped objects beside the weights, nothing of which is made or executed: \"args\""
                  + " (madeup.config.Args).");
    }
    assertThat(names(beside, ReadChoices.DEFAULT.withEntry("model"))).containsExactly("w");
    requireGlobal(
        beside, ReadChoices.DEFAULT.withEntry("/"), "madeup.config.Args (under \"args\")");
    requireGlobal(
        withObject("", "cfg", "madeup.config", "Args"), ReadChoices.DEFAULT, "madeup.config.Args");
    for (String training : List.of("args", "optimizer", "lr_scheduler", "hparams")) {
      assertThat(names(withObject("", training, "madeup", "Adam"), ReadChoices.DEFAULT))
          .containsExactly("w");
    }
  }

  @Test
  void whatRunsCodeInPythonIsRefusedAnywhere() throws IOException {
    Map<String, String> running =
        Map.of(
            "os", "system",
            "posix", "system",
            "os.path", "join",
            "subprocess", "Popen",
            "builtins", "eval",
            "__builtin__", "__import__",
            "types", "FunctionType",
            "runpy", "run_path");
    for (Map.Entry<String, String> one : running.entrySet()) {
      requireGlobal(
          withObject("model", "args", one.getKey(), one.getValue()),
          ReadChoices.DEFAULT,
          one.getKey() + "." + one.getValue());
    }
  }
}
