package dev.monoquant.testkit.fakes;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputRequest;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.TensorSink;
import dev.monoquant.spi.TensorSource;
import dev.monoquant.tile.QuantizedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Disks that fail: decorators that work for a while and then throw an {@link IOException} at every
 * call. What the pipeline must show for it is its own exception with this one as the cause, a
 * closed source, a closed sink, and no output.
 */
public final class Failures {

  /** What the exceptions say. */
  public static final String MESSAGE = "the disk failed on purpose";

  private Failures() {}

  /**
   * {@return a format whose sources fail}
   *
   * @param format the format behind it
   * @param reads how many reads succeed, over all sources together
   */
  public static InputFormatDetector reading(InputFormatDetector format, int reads) {
    return new FailingFormat(format, new AtomicInteger(reads));
  }

  /**
   * {@return an output whose sinks fail}
   *
   * @param output the output behind it
   * @param writes how many writes succeed, over all sinks together; the commit counts as one
   */
  public static OutputFormat writing(OutputFormat output, int writes) {
    return new FailingOutput(output, new AtomicInteger(writes));
  }

  private static void spend(AtomicInteger left) throws IOException {
    if (left.getAndDecrement() <= 0) {
      throw new IOException(MESSAGE);
    }
  }

  private record FailingFormat(InputFormatDetector format, AtomicInteger left)
      implements InputFormatDetector {
    @Override
    public String id() {
      return format.id();
    }

    @Override
    public Match probe(ModelInput input) {
      return format.probe(input);
    }

    @Override
    public TensorSource open(ModelInput input, ReadLimits limits) throws IOException {
      return new FailingSource(format.open(input, limits), left);
    }
  }

  private record FailingSource(TensorSource source, AtomicInteger left) implements TensorSource {
    @Override
    public String name() {
      return source.name();
    }

    @Override
    public List<TensorInfo> tensors() {
      return source.tensors();
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
      spend(left);
      return source.read(tensor, offset, length);
    }

    @Override
    public Map<String, String> metadata() {
      return source.metadata();
    }

    @Override
    public List<Layer> layers() {
      return source.layers();
    }

    @Override
    public List<EncodedWeight> quantized() {
      return source.quantized();
    }

    @Override
    public QuantizedTile readTile(EncodedWeight weight, long firstRow, int height)
        throws IOException {
      spend(left);
      return source.readTile(weight, firstRow, height);
    }

    @Override
    public List<SideFile> sideFiles() {
      return source.sideFiles();
    }

    @Override
    public List<Path> files() {
      return source.files();
    }

    @Override
    public void close() {
      source.close();
    }
  }

  private record FailingOutput(OutputFormat output, AtomicInteger left) implements OutputFormat {
    @Override
    public String id() {
      return output.id();
    }

    @Override
    public boolean suits(Path target) {
      return output.suits(target);
    }

    @Override
    public Optional<String> refusal(EncodedWeight weight) {
      return output.refusal(weight);
    }

    @Override
    public Optional<String> refusal(EncodedWeight weight, TensorSource source) {
      return output.refusal(weight, source);
    }

    @Override
    public List<OptionSpec<?>> options() {
      return output.options();
    }

    @Override
    public Map<String, String> remarks(OutputRequest request) {
      return output.remarks(request);
    }

    @Override
    public long predictBytes(OutputRequest request) {
      return output.predictBytes(request);
    }

    @Override
    public TensorSink open(OutputRequest request) throws IOException {
      return new FailingSink(output.open(request), left);
    }
  }

  private record FailingSink(TensorSink sink, AtomicInteger left) implements TensorSink {
    @Override
    public void writeTile(EncodedWeight weight, QuantizedTile tile) throws IOException {
      spend(left);
      sink.writeTile(weight, tile);
    }

    @Override
    public void writeWhole(EncodedWeight weight, Map<String, byte[]> parts) throws IOException {
      spend(left);
      sink.writeWhole(weight, parts);
    }

    @Override
    public void writeKept(TensorInfo tensor, long offset, ByteBuffer data) throws IOException {
      spend(left);
      sink.writeKept(tensor, offset, data);
    }

    @Override
    public Optional<Path> finish() throws IOException {
      spend(left);
      return sink.finish();
    }

    @Override
    public List<Path> commit() throws IOException {
      spend(left);
      return sink.commit();
    }

    @Override
    public void close() throws IOException {
      sink.close();
    }
  }
}
