package dev.monoquant.io.torchscript;

import dev.monoquant.files.output.Disk;
import dev.monoquant.files.testing.Request;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Archives that torch 2.13 wrote, and requests to write them with some weights held quantized. */
final class Originals {

  static final List<String> ALL =
      List.of(
          "/torch-oracle/scripted.pt",
          "/torch-oracle/traced.pt",
          "/torch-oracle/frozen.pt",
          "/torch-corpus/torchscript/ts_ok_as_pth.pth",
          "/torch-corpus/torchscript/ts_ok_bfloat16.pt",
          "/torch-corpus/torchscript/ts_ok_frozen.pt",
          "/torch-corpus/torchscript/ts_ok_half.pt",
          "/torch-corpus/torchscript/ts_ok_plain_attribute.pt",
          "/torch-corpus/torchscript/ts_ok_tied_buffers.pt",
          "/torch-corpus/torchscript/ts_ok_traced.pt",
          "/torch-corpus/torchscript/ts_ok_traced_constant.pt");

  private Originals() {}

  static Path path(String resource) {
    try {
      return Path.of(Originals.class.getResource(resource).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  static ModelSource open(Path path) throws IOException {
    return new TorchScriptFormat().open(ModelInput.of(path), ReadLimits.DEFAULT);
  }

  static TorchScriptOutput output() {
    return new TorchScriptOutput(Disk.REAL, StandIn::new);
  }

  static TorchScriptOutput output(Disk disk) {
    return new TorchScriptOutput(disk, StandIn::new);
  }

  /** Some of the weights quantized in any way, all other tensors kept. */
  static Sample sample(ModelSource source, long seed, int percent) throws IOException {
    Sample sample = new Sample(seed);
    for (TensorInfo tensor : source.info().tensors()) {
      boolean weight =
          tensor.type().isQuantizable()
              && tensor.shape().rank() > 1
              && sample.random().nextInt(100) < percent;
      if (weight) {
        sample.quantize(weight(source, tensor, sample.random()));
      } else {
        ByteBuffer bytes = source.read(tensor, 0, (int) tensor.bytes());
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        sample.kept.put(tensor, copy);
      }
    }
    return sample;
  }

  static Request request(Sample sample, Path target, ModelSource source) {
    return sample.request(target, true, source);
  }

  private static EncodedWeight weight(ModelSource source, TensorInfo tensor, Random random) {
    Layer layer =
        source.info().layers().stream()
            .filter(l -> l.tensors().containsValue(tensor))
            .findFirst()
            .orElse(new Layer("", LayerKind.UNKNOWN, Layer.Evidence.INFERRED, Map.of()));
    int axis = random.nextInt(3) == 0 ? tensor.shape().rank() - 1 : 0;
    WeightMatrix rows = new WeightMatrix(layer.name(), layer.kind(), "weight", tensor, axis);
    EncodedWeight weight =
        new EncodedWeight(
            rows,
            new SchemeId("any", 1 + random.nextInt(3)),
            OptionValues.of(4, random.nextBoolean(), Granularity.CHANNEL),
            encoding(random));
    return random.nextBoolean()
        ? weight.withStorage(new OptionValues(Map.of("mode", "dynamic")))
        : weight;
  }

  private static Encoding encoding(Random random) {
    List<Part> parts = new ArrayList<>();
    ElementType codes =
        List.of(
                ElementType.INT8,
                ElementType.INT4,
                ElementType.UINT3,
                ElementType.UINT8,
                ElementType.INT2)
            .get(random.nextInt(5));
    switch (random.nextInt(5)) {
      case 0 -> parts.add(Part.perElement("values", ElementType.FLOAT16));
      case 1 -> {
        parts.add(Part.perElement(Part.CODES, codes));
        parts.add(Part.perTensor(Part.SCALE, ElementType.FLOAT32));
      }
      case 2 -> {
        parts.add(Part.perElement(Part.CODES, codes));
        parts.add(Part.perGroup(Part.SCALE, ElementType.BFLOAT16, 2));
        parts.add(Part.perGroup(Part.ZERO_POINT, ElementType.INT4, 2));
      }
      case 3 -> {
        parts.add(Part.perElement(Part.CODES, codes));
        parts.add(Part.perBlock(Part.SCALE, ElementType.FLOAT32, 2, 3));
      }
      default -> {
        parts.add(Part.perElement(Part.CODES, codes));
        parts.add(Part.perRow(Part.SCALE, ElementType.FLOAT16));
        parts.add(Part.runPerRow("codebook", ElementType.FLOAT32, 3));
      }
    }
    return Encoding.conventional(parts);
  }
}
