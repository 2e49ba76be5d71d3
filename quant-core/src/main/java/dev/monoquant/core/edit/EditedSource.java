package dev.monoquant.core.edit;

import dev.monoquant.ValidationException;
import dev.monoquant.files.model.SourceView;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.ScaleFold.Side;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A model whose norms and weights are divided and multiplied by factors as they are read. Rows are
 * products in float32; bytes are those products rounded to the type of the tensor, and a finite one
 * that the type cannot hold is an error. Nothing is held but the factors. Closing it closes the
 * model.
 */
final class EditedSource extends SourceView {

  /** Factors along one dimension of a tensor. */
  private static final class Edit {
    private final Side side;
    private final float[] factors;
    private final boolean divides;

    Edit(Side side, float[] factors, boolean divides) {
      this.side = side;
      this.factors = factors;
      this.divides = divides;
    }

    float apply(float value, int index) {
      float factor = factors[index];
      return divides
          ? (value + side.plus()) / factor - side.plus()
          : (value + side.plus()) * factor - side.plus();
    }
  }

  private final Map<String, List<Edit>> edits = new HashMap<>();
  private final boolean divides;

  EditedSource(ModelSource inner, List<Scaled> all) {
    super(inner);
    this.divides = all.stream().anyMatch(scaled -> !scaled.place().isOwn());
    for (Scaled scaled : all) {
      // A weight may be on both sides: multiplied first.
      scaled.place().multiplied().forEach(side -> add(side, scaled.factors(), false));
    }
    for (Scaled scaled : all) {
      scaled.place().divided().forEach(side -> add(side, scaled.factors(), true));
    }
  }

  private void add(Side side, float[] factors, boolean divides) {
    edits
        .computeIfAbsent(side.tensor().name(), name -> new ArrayList<>())
        .add(new Edit(side, factors, divides));
  }

  @Override
  public ModelInfo info() {
    return inside().info();
  }

  @Override
  protected boolean isOwn(String tensor) {
    return edits.containsKey(tensor);
  }

  @Override
  protected ByteBuffer readOwn(TensorInfo tensor, long offset, int length) throws IOException {
    ElementType type = tensor.type();
    int cell = type.cellBytes();
    long first = offset / cell;
    int count = Math.toIntExact((offset + length + cell - 1) / cell - first);
    float[] values = new float[count];
    FloatBytes.widen(
        type,
        inside().read(tensor, first * cell, Math.multiplyExact(count, cell)),
        values,
        0,
        count);
    for (Edit edit : edits.getOrDefault(tensor.name(), List.of())) {
      TensorShape shape = tensor.shape();
      long dim = shape.dim(edit.side.axis());
      long stride = 1;
      for (int axis = edit.side.axis() + 1; axis < shape.rank(); axis++) {
        stride *= shape.dim(axis);
      }
      for (int i = 0; i < count; i++) {
        values[i] = edit.apply(values[i], (int) ((first + i) / stride % dim));
      }
    }
    byte[] bytes = new byte[count * cell];
    int beyond = FloatBytes.narrow(type, values, 0, count, bytes, 0);
    if (beyond != FloatBytes.NONE) {
      throw new ValidationException(
          String.format(
              Locale.ROOT,
              "%s: number %d is %s once it is scaled, beyond what %s can hold. Leave the edit out,"
                  + " choose an alpha nearer to 0, or store the model as BF16",
              tensor.name(),
              first + beyond,
              values[beyond],
              type.wire()));
    }
    return ByteBuffer.wrap(bytes)
        .slice(Math.toIntExact(offset - first * cell), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
    inside().readRows(matrix, rows, into);
    List<Edit> own = edits.getOrDefault(matrix.tensor().name(), List.of());
    int cols = Math.toIntExact(matrix.columnCount());
    for (Edit edit : own) {
      if (edit.side.axis() == matrix.rowAxis()) {
        for (int r = 0; r < rows.height(); r++) {
          int index = Math.toIntExact(rows.first() + r);
          for (int i = r * cols; i < (r + 1) * cols; i++) {
            into[i] = edit.apply(into[i], index);
          }
        }
        continue;
      }
      int[] ofColumn = indices(matrix, edit.side.axis(), cols);
      for (int r = 0; r < rows.height(); r++) {
        for (int c = 0; c < cols; c++) {
          into[r * cols + c] = edit.apply(into[r * cols + c], ofColumn[c]);
        }
      }
    }
  }

  /**
   * The index along an axis of each column of a matrix: columns are all axes but that of the rows,
   * in their order. Divisions for each number would take longer than to quantize it.
   */
  private static int[] indices(WeightMatrix matrix, int axis, int cols) {
    TensorShape shape = matrix.tensor().shape();
    int dim = Math.toIntExact(shape.dim(axis));
    int stride = 1;
    for (int after = axis + 1; after < shape.rank(); after++) {
      stride *= after == matrix.rowAxis() ? 1 : Math.toIntExact(shape.dim(after));
    }
    int[] indices = new int[cols];
    for (int c = 0; c < cols; c++) {
      indices[c] = c / stride % dim;
    }
    return indices;
  }

  /**
   * A program computes with the tensors of its own file, which are as they were where weights alone
   * are multiplied.
   */
  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return capability == RunnableFile.class && divides ? Optional.empty() : super.find(capability);
  }
}
