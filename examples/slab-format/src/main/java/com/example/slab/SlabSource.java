package com.example.slab;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.manifest.ManifestAudit;
import dev.monoquant.files.output.FileLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An open directory. Several threads may read at once: every read says where it starts. */
final class SlabSource implements ModelSource {

  /** Where the bytes of a tensor or part are. */
  private record Place(FileChannel file, long start, long bytes) {}

  private final Path root;
  private final Map<String, FileChannel> channels = new LinkedHashMap<>();
  private final Map<String, SlabFile> files = new LinkedHashMap<>();
  private final Map<String, Place> places = new HashMap<>();
  private ModelInfo info;

  private SlabSource(Path root) {
    this.root = root;
    this.info = ModelInfo.of(root.toString(), List.of());
  }

  static SlabSource open(Path root, ReadLimits limits) throws IOException {
    SlabSource source = new SlabSource(root);
    try {
      source.read(limits);
      return source;
    } catch (IOException | RuntimeException | Error e) {
      source.close();
      throw e;
    }
  }

  private void read(ReadLimits limits) throws IOException {
    Path manifest = root.resolve(Manifest.FILE);
    if (!Files.isRegularFile(manifest) || Files.size(manifest) > limits.maxIndexBytes()) {
      throw SlabFile.fault(Reason.METADATA, root.toString(), "it has no manifest of a legal size");
    }
    List<Path> paths = new ArrayList<>(List.of(manifest));
    List<TensorInfo> tensors = new ArrayList<>();
    List<EncodedWeight> weights = new ArrayList<>();
    for (String name :
        Manifest.parse(Files.readAllBytes(manifest), manifest.toString()).headers().keySet()) {
      // The manifest is as untrusted as all else: it may not lead out of the directory.
      if (!name.matches("layer-[0-9]{5,9}[.]slab") || channels.size() >= limits.maxShards()) {
        throw SlabFile.fault(Reason.METADATA, manifest.toString(), "it names a file too many");
      }
      Path path = root.resolve(name);
      if (!Files.isRegularFile(path)) {
        throw SlabFile.fault(Reason.SHARD_MISSING, path.toString(), "the file is missing");
      }
      FileChannel channel = FileChannel.open(path);
      channels.put(name, channel);
      SlabFile file = SlabFile.read(path, channel, limits);
      files.put(name, file);
      for (FileLayout.Region region : file.regions()) {
        Place place = new Place(channel, region.start(), region.length());
        if (places.put(region.name(), place) != null || places.size() > limits.maxTensors()) {
          throw SlabFile.fault(Reason.DUPLICATE_KEY, path.toString(), "it holds a tensor too many");
        }
      }
      tensors.addAll(file.kept());
      weights.addAll(file.weights());
      paths.add(path);
    }
    info = ModelInfo.of(root.toString(), tensors).withQuantized(weights).withFiles(paths);
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) throws IOException {
    return read(tensor.name(), offset, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer read(String region, long offset, int length) throws IOException {
    Place place = places.get(region);
    if (place == null || offset < 0 || length < 0 || offset > place.bytes() - length) {
      throw new IndexOutOfBoundsException(
          length + " bytes from " + offset + " on of " + region + " in " + root);
    }
    return readFully(place.file(), place.start() + offset, length, root.toString());
  }

  @Override
  public EncodedTile readTile(EncodedWeight weight, RowRange rows) throws IOException {
    return SlabFile.parts(weight).read(rows, this::read);
  }

  /** {@code quant verify} uses this capability. */
  @Override
  public <C> Optional<C> find(Class<C> capability) {
    return capability == Auditable.class
        ? Optional.of(capability.cast((Auditable) this::audit))
        : Optional.empty();
  }

  private Audit audit() throws IOException {
    Map<String, byte[]> headers = new LinkedHashMap<>();
    files.forEach((name, file) -> headers.put(name, file.headerBytes()));
    Map<String, ManifestAudit.Stored> stored = new LinkedHashMap<>();
    places.forEach(
        (name, at) ->
            stored.put(name, new ManifestAudit.Stored(at.file()::read, at.start(), at.bytes())));
    return ManifestAudit.directory(root, headers, stored);
  }

  static ByteBuffer readFully(FileChannel channel, long from, int length, String label)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw SlabFile.fault(Reason.TRUNCATED, label, "a file ends too early");
      }
    }
    return bytes.flip().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    try {
      Closing.all(channels.values());
    } catch (IOException e) {
      throw new UncheckedIOException(root + " could not be closed", e);
    }
  }
}
