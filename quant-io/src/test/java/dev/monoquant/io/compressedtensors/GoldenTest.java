package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.Request;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Weights that compressed-tensors ac8e2ba itself put on disk are unpacked by this reader and packed
 * by this writer into the very same bytes.
 */
class GoldenTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "p039, W8A16, 8, true, group, 32",
    "p039, W4A16, 4, true, group, 32",
    "p039, W4A16_ASYM, 4, false, group, 32",
    "p039, W3A16, 3, true, group, 32",
    "p042, W8A16, 8, true, group, 32",
    "p042, W4A16, 4, true, group, 32",
    "p042, W4A16_ASYM, 4, false, group, 32",
    "p042, W3A16, 3, true, group, 32"
  })
  void packsTheSameBytes(
      String input, String preset, int bits, boolean symmetric, String strategy, int group)
      throws Exception {
    Map<String, PlainSafetensors.Entry> golden = golden(input, preset);
    assertThat(golden).containsKey("fc.weight_packed");
    Path in = directory(golden, "pack-quantized", bits, symmetric, strategy, group);

    Path out = folder.resolve("out");
    try (ModelSource source =
        new CompressedTensorsFormat().open(ModelInput.of(in), ReadLimits.DEFAULT)) {
      EncodedWeight weight = source.info().quantized().get(0);
      compareCodes(source, weight, golden.get("fc.weight_packed").bytes(), bits);
      copy(source, weight, out);
    }
    assertThat(new TreeMap<>(PlainSafetensors.read(out.resolve("model.safetensors")).tensors()))
        .isEqualTo(new TreeMap<>(golden));
  }

  @ParameterizedTest
  @CsvSource({"p039", "p042"})
  void readsBytesOfIntQuantized(String input) throws Exception {
    Map<String, PlainSafetensors.Entry> golden = golden(input, "W8A8");
    Path in = directory(golden, "int-quantized", 8, true, "channel", 0);
    try (ModelSource source =
        new CompressedTensorsFormat().open(ModelInput.of(in), ReadLimits.DEFAULT)) {
      assertThat(source.info().tensors()).isEmpty();
      EncodedWeight weight = source.info().quantized().get(0);
      assertThat(weight.scheme()).hasToString("int8@1");
      EncodedTile tile = source.readTile(weight, new RowRange(0, (int) weight.matrix().rowCount()));
      assertThat(tile.part("codes")).isEqualTo(golden.get("fc.weight").bytes());
      assertThat(tile.part("scale")).isEqualTo(golden.get("fc.weight_scale").bytes());
    }
  }

  private static void compareCodes(
      ModelSource source, EncodedWeight weight, byte[] packed, int bits) throws IOException {
    int rows = (int) weight.matrix().rowCount();
    int cols = (int) weight.matrix().columnCount();
    byte[] codes = source.readTile(weight, new RowRange(0, rows)).part("codes");
    int rowBytes = packed.length / rows;
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        int value = 0;
        for (int b = 0; b < bits; b++) {
          int bit = c * bits + b;
          value |= (packed[r * rowBytes + bit / 8] >> (bit % 8) & 1) << b;
        }
        assertThat((int) codes[r * cols + c]).isEqualTo(value - (1 << (bits - 1)));
      }
    }
  }

  private void copy(ModelSource source, EncodedWeight weight, Path out) throws IOException {
    assertThat(weight.matrix().kind()).isEqualTo(LayerKind.LINEAR);
    Request request =
        new Request(
            MemoryModel.named("memory").build().open(),
            new OutputContents(List.of(), List.of(weight), List.of(), Map.of()),
            new WriteOptions(out, false, false, false));
    CompressedTensorsOutput output = new CompressedTensorsOutput();
    assertThat(Request.unsupported(output, request.source(), weight)).isEmpty();
    try (OutputWriter sink = request.open(output)) {
      sink.writeWhole(weight, Map.of());
      for (int row = 0; row < weight.matrix().rowCount(); row += 5) {
        int height = (int) Math.min(5, weight.matrix().rowCount() - row);
        sink.writeTile(weight, source.readTile(weight, new RowRange(row, height)));
      }
      sink.commit();
    }
  }

  private Path directory(
      Map<String, PlainSafetensors.Entry> tensors,
      String format,
      int bits,
      boolean symmetric,
      String strategy,
      int group)
      throws IOException {
    Path in = Files.createDirectories(folder.resolve("in"));
    PlainSafetensors.write(in.resolve("model.safetensors"), tensors);
    Files.writeString(
        in.resolve("config.json"),
        """
        {"quantization_config": {"quant_method": "compressed-tensors", "format": "%s",
          "global_compression_ratio": null, "kv_cache_scheme": null, "sparsity_config": {},
          "config_groups": {"group_0": {"targets": ["Linear"], "input_activations": null,
          "weights": {"num_bits": %d, "type": "int", "symmetric": %b, "strategy": "%s",
          "group_size": %s, "block_structure": null, "dynamic": false, "actorder": null,
          "observer": "memoryless_minmax", "observer_kwargs": {}}}}}}
        """
            .formatted(format, bits, symmetric, strategy, group == 0 ? "null" : "" + group));
    return in;
  }

  private static Map<String, PlainSafetensors.Entry> golden(String input, String preset)
      throws IOException, URISyntaxException {
    Path file = Path.of(GoldenTest.class.getResource("/golden-ctdisk.safetensors").toURI());
    String prefix = input + ".ctdisk." + preset + ".";
    Map<String, PlainSafetensors.Entry> tensors = new TreeMap<>();
    PlainSafetensors.read(file)
        .tensors()
        .forEach(
            (name, t) -> {
              if (name.startsWith(prefix)) {
                tensors.put("fc." + name.substring(prefix.length()), t);
              }
            });
    return tensors;
  }
}
