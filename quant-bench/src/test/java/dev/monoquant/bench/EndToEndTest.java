package dev.monoquant.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A small checkpoint, with a script in the place of quant: it keeps its arguments and copies. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the harness runs cp and sync")
class EndToEndTest {

  @TempDir private Path temp;

  private int run(String... more) {
    List<String> args = new ArrayList<>();
    Collections.addAll(
        args, "--dir", temp.resolve("work").toString(), "--rounds", "2", "--layers", "1");
    Collections.addAll(args, "--hidden", "64", "--inter", "96", "--kv", "16", "--vocab", "100");
    Collections.addAll(args, more);
    return EndToEnd.run(args.toArray(String[]::new));
  }

  private Path script(String body) throws IOException {
    Path script = temp.resolve("quant");
    Files.writeString(script, "#!/bin/sh\n" + body + "\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    return script;
  }

  @Test
  void racesAndCleansUp() throws IOException {
    Path quant = script("echo \"$@\" >> " + temp.resolve("calls") + "; cp \"$2\" \"$4\"");
    Path json = temp.resolve("result.json");
    int exit =
        run("--quant", quant.toString(), "--option=--scheme=int4", "--json", json.toString());
    assertThat(exit).isZero();

    List<String> calls = Files.readAllLines(temp.resolve("calls"));
    Path work = temp.resolve("work");
    String first = "quantize " + work.resolve("model.safetensors") + " -o ";
    String synced = first + work.resolve("out-quant") + " --force --scheme=int4";
    String unsynced =
        first + work.resolve("out-quant-no-sync") + " --force --scheme=int4 --no-sync";
    // The second round is begun by what ended the first.
    assertThat(calls).containsExactly(synced, unsynced, unsynced, synced);
    assertThat(work).doesNotExist();

    JsonObject result = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
    long bytes = result.get("inBytes").getAsLong();
    assertThat(result.getAsJsonArray("contestants"))
        .extracting(c -> c.getAsJsonObject().get("name").getAsString())
        .containsExactly("cp", "cp+sync", "quant", "quant-no-sync");
    assertThat(result.getAsJsonArray("contestants"))
        .allMatch(c -> c.getAsJsonObject().has("medianCpuSeconds") == ProcessTree.available());
    assertThat(result.getAsJsonArray("contestants"))
        .flatExtracting(c -> c.getAsJsonObject().getAsJsonArray("runs").asList())
        .hasSize(8)
        .allMatch(r -> r.getAsJsonObject().get("outBytes").getAsLong() == bytes)
        .allMatch(r -> r.getAsJsonObject().get("wallSeconds").getAsDouble() > 0);
  }

  @Test
  void theUsualPlaceIsInMemoryIfThereIsAny() throws IOException {
    Path made = FileTrees.fastDirectory();
    try {
      assertThat(made).isEmptyDirectory();
      assertThat(made.startsWith("/dev/shm")).isEqualTo(Files.isWritable(Path.of("/dev/shm")));
    } finally {
      Files.delete(made);
    }
  }

  @Test
  void failingCommandIsAnErrorAndLeavesNothing() throws IOException {
    Path quant = script("echo no such scheme; exit 3");
    assertThat(run("--quant", quant.toString())).isEqualTo(1);
    assertThat(temp.resolve("work")).doesNotExist();
  }

  @Test
  void missingProgramIsAnError() {
    assertThat(run("--quant", temp.resolve("nothing").toString())).isEqualTo(1);
    assertThat(temp.resolve("work")).doesNotExist();
  }

  @Test
  void keepsFilesOnRequest() {
    assertThat(run("--no-quant", "--keep", "--also", "mine=cp {in} {out}")).isZero();
    assertThat(temp.resolve("work/model.safetensors")).isRegularFile();
    assertThat(temp.resolve("work/out-mine")).as("the second round began with it").doesNotExist();
    assertThat(temp.resolve("work/out-cp+sync")).isRegularFile();
    assertThat(run("--no-quant")).as("never writes over a file").isEqualTo(1);
  }
}
