package dev.monoquant.io.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.testkit.data.EncodedSamples;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Models of a few hundred bytes, to be damaged byte by byte. */
public final class SmallModels {

  private SmallModels() {}

  /** A quantized linear layer and two plain tensors, written by a format. */
  public static ModelInput written(OutputFormat format, Path target) throws IOException {
    Sample sample = new Sample(1);
    sample.keep("head.weight", ElementType.FLOAT32, 2, 3);
    sample.keep("head.bias", ElementType.BFLOAT16, 2);
    EncodedWeight weight = EncodedSamples.int8("fc", ElementType.FLOAT16, 3, 5);
    sample.quantize(weight);
    sample.layer("fc", weight.rows().kind(), weight.rows().tensor());
    sample.write(format, sample.request(target));
    return ModelInput.of(target);
  }

  /** Two plain shards with their index and a configuration. */
  public static ModelInput sharded(Path folder) throws IOException {
    String first = "model-00001-of-00002.safetensors";
    String second = "model-00002-of-00002.safetensors";
    PlainSafetensors.write(
        folder.resolve(first),
        Map.of("a.weight", new PlainSafetensors.Entry("F32", "[2, 1]", new byte[8])));
    PlainSafetensors.write(
        folder.resolve(second),
        Map.of("b.weight", new PlainSafetensors.Entry("BF16", "[3]", new byte[6])));
    String index =
        "{\"metadata\":{\"total_size\":14},\"weight_map\":{\"a.weight\":\"%s\",\"b.weight\":\"%s\"}}";
    Files.write(
        folder.resolve("model.safetensors.index.json"),
        index.formatted(first, second).getBytes(UTF_8));
    Files.write(folder.resolve("config.json"), "{\"model_type\":\"toy\"}".getBytes(UTF_8));
    return ModelInput.of(folder);
  }
}
