package dev.monoquant.io.compressedtensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tensors that are not what their group says are refused by name. */
class DamagedFormsTest {

  private static final Map<String, String> GROUPS =
      Map.of(
          "nvfp4-pack-quantized", "'num_bits':4,'strategy':'tensor_group','group_size':16",
          "mxfp4-pack-quantized", "'num_bits':4,'group_size':32",
          "mxfp8-quantized", "'num_bits':8,'group_size':32",
          "float-quantized", "'num_bits':8,'strategy':'block','block_structure':[2,32]");

  private static final String NVFP4 =
      "weight_packed U8 3x16 + weight_scale F8_E4M3 3x2 + weight_global_scale F32 1";
  private static final String MXFP4 = "weight_packed U8 3x16 + weight_scale U8 3x1";
  private static final String MXFP8 = "weight F8_E4M3 3x64 + weight_scale U8 3x2";
  private static final String BLOCKS = "weight F8_E4M3 3x64 + weight_scale BF16 2x2";

  @TempDir private Path folder;

  private ModelSource open(String format, String tensors) throws IOException {
    Map<String, PlainSafetensors.Entry> entries = new TreeMap<>();
    for (String tensor : tensors.split(" \\+ ", -1)) {
      String[] parts = tensor.split(" ", -1);
      TensorShape shape =
          TensorShape.of(
              parts[2].equals("scalar")
                  ? new long[0]
                  : Arrays.stream(parts[2].split("x", -1)).mapToLong(Long::parseLong).toArray());
      int bytes = (int) shape.elements() * ElementType.of(parts[1]).cellBytes();
      entries.put(
          "fc." + parts[0],
          new PlainSafetensors.Entry(parts[1], shape.toString(), new byte[bytes]));
    }
    PlainSafetensors.write(folder.resolve("model.safetensors"), entries);
    String config =
        "{'quantization_config': {'quant_method': 'compressed-tensors', 'config_groups': {'g':"
            + " {'targets': ['Linear'], 'format': '"
            + format
            + "', 'weights': {'type': 'float', "
            + GROUPS.get(format)
            + "}}}}}";
    Files.writeString(folder.resolve("config.json"), config.replace('\'', '"'));
    return new CompressedTensorsFormat().open(ModelInput.of(folder), ReadLimits.DEFAULT);
  }

  @ParameterizedTest
  @CsvSource({
    "nvfp4-pack-quantized, " + NVFP4,
    "mxfp4-pack-quantized, " + MXFP4,
    "mxfp8-quantized, " + MXFP8,
    "float-quantized, " + BLOCKS
  })
  void whatIsAsItShouldBeIsRead(String format, String tensors) throws IOException {
    try (ModelSource source = open(format, tensors)) {
      assertThat(source.info().quantized()).hasSize(1);
      assertThat(source.info().tensors()).isEmpty();
    }
  }

  /** The converter of compressed-tensors keeps the shape that ModelOpt gave the number. */
  @Test
  void globalScaleMayHaveNoDimension() throws IOException {
    try (ModelSource source = open("nvfp4-pack-quantized", NVFP4.replace("F32 1", "F32 scalar"))) {
      EncodedWeight weight = source.info().quantized().get(0);
      assertThat(source.readTile(weight, new RowRange(0, 3)).part("global_scale")).hasSize(4);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "nvfp4-pack-quantized, " + NVFP4 + ", + weight_global_scale F32 1, , RECORD_MISSING",
    "nvfp4-pack-quantized, " + NVFP4 + ", + weight_scale F8_E4M3 3x2, , RECORD_MISSING",
    "nvfp4-pack-quantized, " + NVFP4 + ", weight_packed U8, weight_packed I8, SHAPE",
    "nvfp4-pack-quantized, " + NVFP4 + ", 3x16, 3x17, SHAPE",
    "nvfp4-pack-quantized, " + NVFP4 + ", 3x16, 48, SHAPE",
    "nvfp4-pack-quantized, " + NVFP4 + ", 3x16, 0x16, SHAPE",
    "nvfp4-pack-quantized, " + NVFP4 + ", weight_scale F8_E4M3, weight_scale U8, SHAPE",
    "nvfp4-pack-quantized, " + NVFP4 + ", F32 1, F32 3, SHAPE",
    "nvfp4-pack-quantized, " + NVFP4 + ", F32 1, BF16 1, SHAPE",
    "mxfp4-pack-quantized, " + MXFP4 + ", weight_scale U8, weight_scale F8_E8M0, SHAPE",
    "mxfp4-pack-quantized, " + MXFP4 + ", weight_scale U8 3x1, weight_scale U8 3x2, SHAPE",
    "mxfp8-quantized, " + MXFP8 + ", weight F8_E4M3, weight U8, SHAPE",
    "mxfp8-quantized, " + MXFP8 + ", weight_scale U8, weight_scale BF16, SHAPE",
    "mxfp8-quantized, " + MXFP8 + ", weight F8, weight_packed F8, SHAPE",
    "float-quantized, " + BLOCKS + ", weight F8_E4M3, weight I8, SHAPE",
    "float-quantized, " + BLOCKS + ", 2x2, 3x2, SHAPE",
    "float-quantized, " + BLOCKS + ", BF16, U8, SHAPE"
  })
  void whatIsNotIsRefused(String format, String tensors, String from, String to, Reason reason) {
    String damaged = tensors.replace(from, to == null ? "" : to).strip();
    assertThat(damaged).isNotEqualTo(tensors);
    assertThatThrownBy(() -> open(format, damaged))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining("fc.");
  }
}
