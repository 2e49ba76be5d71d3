package dev.monoquant.testkit.fakes;

import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Failing disks: decorators that work for a number of calls and then throw an {@link IOException}
 * at every call. The pipeline must then throw its own exception with this one as the cause, close
 * the source and the writer, and leave no output.
 */
public final class Failures {

  /** The message of the exceptions. */
  public static final String MESSAGE = "the disk failed on purpose";

  private Failures() {}

  /**
   * {@return a format whose sources fail}
   *
   * @param format the wrapped format
   * @param reads how many reads succeed, in total over all sources
   */
  public static InputFormatDetector reading(InputFormatDetector format, int reads) {
    return new FailingFormat(format, new AtomicInteger(reads));
  }

  /**
   * {@return an output whose writers fail}
   *
   * @param output the wrapped output
   * @param writes how many writes succeed, in total over all writers; the commit counts as one
   */
  public static OutputFormat writing(OutputFormat output, int writes) {
    return new FailingOutput(output, new AtomicInteger(writes));
  }

  private static void spend(AtomicInteger left) throws IOException {
    if (left.getAndDecrement() <= 0) {
      throw new IOException(MESSAGE);
    }
  }

  private static final class FailingFormat extends ForwardingDetector {
    private final AtomicInteger left;

    FailingFormat(InputFormatDetector format, AtomicInteger left) {
      super(format);
      this.left = left;
    }

    @Override
    protected ModelSource opened(ModelSource source) {
      return new FailingSource(source, left);
    }
  }

  private static final class FailingSource extends ForwardingSource {
    private final AtomicInteger left;

    FailingSource(ModelSource source, AtomicInteger left) {
      super(source);
      this.left = left;
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
      spend(left);
      return super.read(tensor, offset, length);
    }

    @Override
    public void readRows(WeightMatrix matrix, RowRange rows, float[] into) throws IOException {
      spend(left);
      super.readRows(matrix, rows, into);
    }

    @Override
    public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
      spend(left);
      return super.readTile(weight, rows);
    }

    @Override
    public <C> Optional<C> find(Class<C> capability) {
      Optional<C> found = super.find(capability);
      if (capability != Auditable.class || found.isEmpty()) {
        return found;
      }
      Auditable inside = (Auditable) found.get();
      Auditable failing =
          () -> {
            spend(left);
            return inside.audit();
          };
      return Optional.of(capability.cast(failing));
    }
  }

  private static final class FailingOutput extends ForwardingOutput {
    private final AtomicInteger left;

    FailingOutput(OutputFormat output, AtomicInteger left) {
      super(output);
      this.left = left;
    }

    @Override
    protected OutputWriter opened(
        OutputWriter writer, OutputContents contents, WriteOptions options) {
      return new FailingSink(writer, left);
    }
  }

  private static final class FailingSink extends ForwardingWriter {
    private final AtomicInteger left;

    FailingSink(OutputWriter sink, AtomicInteger left) {
      super(sink);
      this.left = left;
    }

    @Override
    public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
      spend(left);
      super.writeTile(weight, tile);
    }

    @Override
    public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
      spend(left);
      super.writeWhole(weight, parts);
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
      spend(left);
      super.writeKept(tensor, offset, data);
    }

    @Override
    public Optional<Path> finish() throws IOException {
      spend(left);
      return super.finish();
    }

    @Override
    public List<Path> commit() throws IOException {
      spend(left);
      return super.commit();
    }
  }
}
