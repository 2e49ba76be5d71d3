package dev.monoquant.files.output;

import static dev.monoquant.QuantException.quote;
import static java.util.Objects.requireNonNull;

import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Writes the tensor files of a directory. After its last byte is written, each file is flushed,
 * checked and added to the journal in the background, while others are being written; files that an
 * interrupted run finished are kept. {@link #write} and {@link #remark} are thread-safe.
 *
 * <p>A resumed run writes incomplete files again from the start, so a format with a single file has
 * nothing to resume.
 */
public final class OutputFiles implements Closeable {

  private final Staging staging;
  private final Map<String, ? extends FileLayout> layouts;
  private final Map<String, Set<String>> sources;
  private final Map<String, OutputFile> files = new LinkedHashMap<>();
  private final Map<String, Map<String, String>> remarks = new ConcurrentHashMap<>();
  private final Map<String, Future<Journal.Entry>> finishing = new ConcurrentHashMap<>();
  private final ExecutorService finisher;

  /**
   * Starts the unfinished files.
   *
   * @param staging the staging of the output
   * @param layouts the layouts of the files, by name
   * @param sources the input shards that each file is made from, by file name; a file that is
   *     missing here is kept only if all inputs are unchanged
   * @throws IOException if a file cannot be created
   */
  public OutputFiles(
      Staging staging, Map<String, ? extends FileLayout> layouts, Map<String, Set<String>> sources)
      throws IOException {
    this.staging = staging;
    this.layouts = layouts;
    this.sources = sources;
    this.finisher =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "quant-finish");
              thread.setDaemon(true);
              return thread;
            });
    try {
      for (Map.Entry<String, ? extends FileLayout> shard : layouts.entrySet()) {
        if (!staging.finished().containsKey(shard.getKey())) {
          files.put(shard.getKey(), new OutputFile(staging, shard.getKey(), shard.getValue()));
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * {@return the remarks of a file that an interrupted run finished; empty if it is unfinished}
   *
   * @param shard the name of the file
   */
  public Optional<Map<String, String>> finished(String shard) {
    return Optional.ofNullable(staging.finished().get(shard)).map(Journal.Entry::remarks);
  }

  /**
   * Writes a part of a region.
   *
   * @param shard the name of the file
   * @param region the name of the region
   * @param offset the first byte within the region
   * @param data the bytes; consumed
   * @throws IOException if writing fails
   */
  public void write(String shard, String region, long offset, ByteBuffer data) throws IOException {
    OutputFile file = files.get(shard);
    if (file == null || finishing.containsKey(shard)) {
      throw new IllegalStateException(
          quote(region)
              + " is written already; every byte of every tensor must be written exactly once");
    }
    if (file.write(region, offset, data)) {
      finishing.put(shard, finisher.submit(() -> finish(shard, file)));
    }
  }

  /**
   * Adds a remark on a weight to the journal.
   *
   * @param shard the name of the file that holds the weight
   * @param weight the name of the weight
   * @param text the text
   */
  public void remark(String shard, String weight, String text) {
    remarks.computeIfAbsent(shard, s -> new ConcurrentHashMap<>()).put(weight, text);
  }

  private Journal.Entry finish(String shard, OutputFile file) throws IOException {
    file.finish();
    SortedMap<String, String> texts = Manifest.sorted();
    texts.putAll(remarks.getOrDefault(shard, Map.of()));
    Journal.Entry entry =
        Journal.Entry.of(
            staging.hashKind(),
            shard,
            requireNonNull(layouts.get(shard)),
            staging.inputs(sources.getOrDefault(shard, Set.of())),
            file::hash,
            texts);
    if (staging.hashKind() != HashKind.NONE && staging.shared().isEmpty()) {
      staging.journal().add(entry);
    }
    return entry;
  }

  /**
   * Finishes the remaining files.
   *
   * @param manifest receives every file
   * @return the names of all files
   * @throws IOException if writing or reading fails
   * @throws dev.monoquant.ValidationException if the bytes read back differ from those written
   */
  public List<String> finishAll(Manifest.Builder manifest) throws IOException {
    // A file without data has no last write that would finish it.
    files.forEach(
        (shard, file) ->
            finishing.computeIfAbsent(shard, s -> finisher.submit(() -> finish(s, file))));
    for (String shard : layouts.keySet()) {
      Future<Journal.Entry> ours = finishing.get(shard);
      Journal.Entry entry = ours == null ? staging.finished().get(shard) : HashPool.await(ours);
      if (entry == null) {
        throw new IllegalStateException("nobody made " + shard);
      }
      manifest.shard(shard, entry.header().hash());
      entry.regions().forEach((name, region) -> manifest.tensor(name, region.hash()));
    }
    return new ArrayList<>(layouts.keySet());
  }

  /** Closes all files; unfinished files stay incomplete. */
  @Override
  public void close() throws IOException {
    finisher.shutdownNow();
    IOException first = null;
    for (OutputFile file : files.values()) {
      try {
        file.close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    awaitEnd();
    if (first != null) {
      throw first;
    }
  }

  private void awaitEnd() {
    boolean interrupted = Thread.interrupted();
    try {
      finisher.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
