package dev.monoquant.io.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.monoquant.files.testing.PlainSafetensors;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.testkit.data.EncodedSamples;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Models of a few hundred bytes, to be damaged byte by byte. */
public final class SmallModels {

  /** A NaN with a payload as F32, and behind a small number as BF16. */
  private static final byte[] NAN = {1, 0, (byte) 0xC0, 0x7F};

  private SmallModels() {}

  private static Sample plain() {
    Sample sample = new Sample(1);
    sample.keep("head.weight", ElementType.FLOAT32, 2, 3);
    sample.keep("head.bias", ElementType.BFLOAT16, 2);
    sample.kept.forEach((tensor, bytes) -> System.arraycopy(NAN, 0, bytes, 0, NAN.length));
    return sample;
  }

  /** The bytes of the plain tensors of {@link #written}. */
  public static Map<String, byte[]> truth() {
    Map<String, byte[]> truth = new TreeMap<>();
    plain().kept.forEach((tensor, bytes) -> truth.put(tensor.name(), bytes));
    return truth;
  }

  /** A quantized linear layer and two plain tensors, written by a format. */
  public static ModelInput written(OutputFormat format, Path target) throws IOException {
    Sample sample = plain();
    EncodedWeight weight = EncodedSamples.int8("fc", ElementType.FLOAT16, 3, 5);
    sample.quantize(weight);
    sample.layer("fc", weight.matrix().kind(), weight.matrix().tensor());
    sample.write(format, sample.request(target));
    return ModelInput.of(target);
  }

  /** The bytes of the tensors of {@link #sharded}. */
  public static Map<String, byte[]> shardedTruth() {
    return Map.of(
        "a.weight", new byte[] {1, 0, (byte) 0xC0, 0x7F, 0, 0, 0, (byte) 0x80},
        "b.weight", new byte[] {1, 2, 3, 4, (byte) 0xC0, 0x7F});
  }

  /** Two plain shards with their index and a configuration. */
  public static ModelInput sharded(Path folder) throws IOException {
    String first = "model-00001-of-00002.safetensors";
    String second = "model-00002-of-00002.safetensors";
    PlainSafetensors.write(
        folder.resolve(first), Map.of("a.weight", entry("F32", "[2, 1]", "a.weight")));
    PlainSafetensors.write(
        folder.resolve(second), Map.of("b.weight", entry("BF16", "[3]", "b.weight")));
    String index =
        "{\"metadata\":{\"total_size\":14},\"weight_map\":{\"a.weight\":\"%s\",\"b.weight\":\"%s\"}}";
    Files.write(
        folder.resolve("model.safetensors.index.json"),
        index.formatted(first, second).getBytes(UTF_8));
    Files.write(folder.resolve("config.json"), "{\"model_type\":\"toy\"}".getBytes(UTF_8));
    return ModelInput.of(folder);
  }

  private static PlainSafetensors.Entry entry(String dtype, String shape, String name) {
    return new PlainSafetensors.Entry(dtype, shape, requireNonNull(shardedTruth().get(name)));
  }
}
