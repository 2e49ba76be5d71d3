package dev.monoquant.io.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class LiveTensorTest {

  /** Every second of 0, 1, 2, ...: memory that cannot be handed out as it lies. */
  private static NDArray strided(NDManager manager, int count) {
    NDArray base = manager.arange(0f, 2f * count, 1f);
    return base.get("::2");
  }

  private static TensorInfo info(int count) {
    return new TensorInfo("x", ElementType.FLOAT32, TensorShape.of(count));
  }

  @Test
  void windowsLeaveNothingBehind() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      LiveTensor tensor = new LiveTensor(info(100), strided(manager, 100), 16);
      tensor.read(0, 40);
      int arrays = manager.getManagedArrays().size();
      for (int i = 0; i < 50; i++) {
        ByteBuffer read = tensor.read(i * 4L, 40);
        assertThat(read.getFloat()).isEqualTo(2f * i);
      }
      assertThat(manager.getManagedArrays()).hasSize(arrays);
    }
  }

  @Test
  void wholeViewIsMadeOnce() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      LiveTensor tensor = new LiveTensor(info(100), strided(manager, 100), LiveTensor.MAX_VIEW);
      assertThat(tensor.view()).isNull();
      tensor.read(0, 40);
      ByteBuffer view = tensor.view();
      int arrays = manager.getManagedArrays().size();
      assertThat(tensor.read(396, 4).getFloat()).isEqualTo(198f);
      assertThat(tensor.view()).isSameAs(view);
      assertThat(manager.getManagedArrays()).hasSize(arrays);
    }
  }

  @Test
  void flatAliasSurvivesAScopeOfTheCaller() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      LiveTensor tensor = new LiveTensor(info(100), strided(manager, 100), 16);
      try (NDScope scope = new NDScope()) {
        scope.suppressNotUsedWarning();
        tensor.read(0, 40);
      }
      assertThat(tensor.read(396, 4).getFloat()).isEqualTo(198f);
    }
  }
}
