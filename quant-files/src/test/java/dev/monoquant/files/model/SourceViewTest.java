package dev.monoquant.files.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** A view of a model with other tensors. */
class SourceViewTest {

  /** Shows all tensors as they are. */
  private static final class Plain extends SourceView {
    Plain(ModelSource inside) {
      super(inside);
    }

    @Override
    public ModelInfo info() {
      return inside().info();
    }

    @Override
    protected boolean isOwn(String tensor) {
      return false;
    }

    @Override
    protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) {
      throw new IllegalStateException(tensor.name());
    }
  }

  /** The file knows how many bytes its weights take, a view does not. */
  @Test
  void storedBytesAreThoseOfTheModel() {
    TensorInfo tensor = new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(2, 4));
    EncodedWeight weight =
        new EncodedWeight(
            new WeightMatrix("fc", LayerKind.LINEAR, "weight", tensor, 0),
            new SchemeId("int8", 1),
            OptionValues.DEFAULTS,
            Encoding.affine(
                Part.perElement(Part.CODES, ElementType.INT8),
                Part.perRow(Part.SCALE, ElementType.FLOAT32)));
    ModelSource model =
        new ForwardingSource(MemoryModel.named("m").build().open()) {
          @Override
          public long storedBytes(EncodedWeight ofFile) {
            return 5;
          }
        };
    try (ModelSource view = new Plain(model)) {
      assertThat(view.storedBytes(weight)).isEqualTo(5);
    }
  }
}
