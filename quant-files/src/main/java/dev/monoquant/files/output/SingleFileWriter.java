package dev.monoquant.files.output;

import static java.util.Objects.requireNonNull;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.tile.EncodedTile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes an output that is one file of tensors: each weight through its {@link WeightLayout}, the
 * file through a {@link Staging}. A subclass says where parts and plain tensors go, and how the
 * file ends. Thread-safe as {@link OutputWriter} requires, if the file is.
 *
 * @param <F> the file that is written, such as an {@link OutputFile}
 */
public abstract class SingleFileWriter<F extends Closeable> implements OutputWriter {

  /**
   * Opens the file in a staging.
   *
   * @param <F> the file that is written
   */
  @FunctionalInterface
  public interface Opening<F> {

    /**
     * {@return the file, which the writer closes}
     *
     * @param staging where it is written
     * @throws IOException if the file system fails
     */
    F open(Staging staging) throws IOException;
  }

  private final Path target;
  private final Staging staging;
  private final F file;
  private final Map<String, WeightLayout.Writer> weights = new ConcurrentHashMap<>();
  private boolean finished;

  /**
   * Starts to write.
   *
   * @param job the source, the contents and the target
   * @param bytes the size of the output in bytes
   * @param disk the file system
   * @param opening opens the file
   * @throws IOException if the file system fails
   * @throws dev.monoquant.OutputException if the target may not be written
   */
  protected SingleFileWriter(OutputJob job, long bytes, Disk disk, Opening<F> opening)
      throws IOException {
    this.target = job.options().target();
    this.staging = Staging.openFile(job, bytes, disk);
    try {
      this.file = requireNonNull(opening.open(staging));
    } catch (IOException | RuntimeException | Error e) {
      staging.close();
      throw e;
    }
  }

  /** {@return the file} */
  protected final F file() {
    return file;
  }

  /** {@return the transaction} */
  protected final Staging staging() {
    return staging;
  }

  /**
   * {@return a new writer of the parts of a weight; asked for once for each weight}
   *
   * @param weight a weight of the output
   */
  protected abstract WeightLayout.Writer parts(EncodedWeight weight);

  /**
   * Completes the file, when everything else is written.
   *
   * @throws IOException if the file system fails
   */
  protected abstract void complete() throws IOException;

  private WeightLayout.Writer writer(EncodedWeight weight) {
    return weights.computeIfAbsent(weight.name(), name -> parts(weight));
  }

  @Override
  public void writeTile(EncodedWeight weight, EncodedTile tile) throws IOException {
    writer(weight).writeTile(tile);
  }

  @Override
  public void writeWhole(EncodedWeight weight, Map<String, byte[]> whole) throws IOException {
    writer(weight).writeWhole(whole);
  }

  @Override
  public final List<String> notes() {
    return staging.notes();
  }

  @Override
  public final Optional<String> finished(String name) {
    return staging.stored(name);
  }

  @Override
  public final void remark(String name, String text) {
    staging.remark(name, text);
  }

  @Override
  public final Optional<Path> finish() throws IOException {
    complete();
    finished = true;
    return Optional.empty();
  }

  @Override
  public final List<Path> commit() throws IOException {
    if (staging.isPart()) {
      staging.commit();
      return List.of();
    }
    if (!finished) {
      finish();
    }
    staging.commit();
    return List.of(target);
  }

  @Override
  public final void close() throws IOException {
    try {
      file.close();
    } finally {
      staging.close();
    }
  }
}
