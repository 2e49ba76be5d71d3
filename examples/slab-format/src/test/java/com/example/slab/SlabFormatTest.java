package com.example.slab;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import dev.monoquant.testkit.fakes.MemoryModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The laws damage the sample in many places and look whether anybody notices. */
class SlabFormatTest implements InputFormatDetectorContract {

  private static final TensorInfo BIAS =
      new TensorInfo("fc.bias", ElementType.INT8, TensorShape.of(3));
  private static final byte[] BYTES = {1, -2, 3};

  @Override
  public InputFormatDetector subject() {
    return new SlabFormat();
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    Path target = folder.resolve("model.slabs");
    OutputContents contents = new OutputContents(List.of(), List.of(), List.of(BIAS), Optional.empty());
    try (ModelSource source = MemoryModel.named("m").tensor(BIAS, BYTES).build().open();
        OutputSession session = new SlabOutput().open(source);
        OutputWriter writer =
            session.layout(contents).open(new WriteOptions(target, false, false, false))) {
      writer.writeKept(BIAS, 0, ByteBuffer.wrap(BYTES));
      writer.commit();
    }
    return ModelInput.of(target);
  }

  @Override
  public Map<String, byte[]> truth() {
    return Map.of("fc.bias", BYTES.clone());
  }
}
