package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import com.google.auto.service.AutoService;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ScriptRunner;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Decodes weights in the PyTorch engine, with the source that is written to TorchScript outputs.
 * Stateless and thread-safe.
 */
@AutoService(ScriptRunner.class)
public final class EngineScriptRunner implements ScriptRunner {

  private static final String LIBRARY = "monoquant";

  /** Called by the service loader. */
  public EngineScriptRunner() {}

  @Override
  public Optional<String> unavailable() {
    return HolderRun.unavailable();
  }

  @Override
  public Optional<float[]> decode(EncodedWeight weight, EncodedTile parts) {
    return Codec.of(weight).map(codec -> decode(codec, parts));
  }

  private static float[] decode(Codec codec, EncodedTile parts) {
    ScriptProgram nothing = new ScriptProgram(new TreeMap<>(), None.INSTANCE, none());
    HolderPickles pickles = new HolderPickles(nothing);
    List<PickleObject> tensors = pickles.parts(codec);
    PickleObject holder =
        HolderPickles.object(
            Library.made(LIBRARY),
            Library.machine(LIBRARY),
            new Holder(codec, Mode.WEIGHT_ONLY, Kernels.LASTING, Optional.empty()),
            tensors);
    Optional<String> decoder =
        codec.kind() == Codec.Kind.SCRIPT ? Optional.of(Library.decoder(codec)) : Optional.empty();
    TreeMap<String, String> code = new TreeMap<>();
    code.put(
        "__torch__/" + LIBRARY + ".py",
        new LibrarySource(Kernels.LASTING, decoder, Set.of()).text(LIBRARY));
    ScriptProgram program = new ScriptProgram(code, None.INSTANCE, none());
    WeightMatrix rows = codec.weight().matrix();
    Map<String, ByteBuffer> storages = new HashMap<>();
    try {
      Map<String, ByteBuffer> stored = stored(codec.weight(), parts);
      for (HeldStorage storage : pickles.storages()) {
        storages.put(storage.key(), requireNonNull(stored.get(storage.part())));
      }
      return byRows(
          rows, HolderRun.decode(program, holder, key -> requireNonNull(storages.get(key), key)));
    } catch (IOException e) {
      throw new UncheckedIOException("a temporary file could not be used: " + e.getMessage(), e);
    }
  }

  /** {@return the bytes of every part by its name} */
  private static Map<String, ByteBuffer> stored(EncodedWeight weight, EncodedTile all)
      throws IOException {
    Map<String, ByteBuffer> stored = new HashMap<>();
    WeightLayout.Writer writer =
        HeldStorage.layout(weight)
            .writer(
                (part, offset, data) ->
                    stored.put(
                        part.name(), ByteBuffer.allocate(data.remaining()).put(data).flip()));
    writer.writeTile(all);
    Map<String, byte[]> whole = new HashMap<>();
    all.names().forEach(name -> whole.put(name, all.part(name)));
    writer.writeWhole(whole);
    return stored;
  }

  private static PickleTuple none() {
    return new PickleTuple(List.of());
  }

  /** Converts from the order of the tensor to the order of the matrix. */
  private static float[] byRows(WeightMatrix matrix, float[] tensor) {
    if (matrix.rowAxis() == 0) {
      return tensor;
    }
    int rows = Math.toIntExact(matrix.rowCount());
    int cols = Math.toIntExact(matrix.columnCount());
    int run = 1;
    for (int axis = matrix.rowAxis() + 1; axis < matrix.tensor().shape().rank(); axis++) {
      run *= Math.toIntExact(matrix.tensor().shape().dim(axis));
    }
    float[] out = new float[tensor.length];
    for (int row = 0; row < rows; row++) {
      for (int col = 0; col < cols; col++) {
        out[row * cols + col] = tensor[(col / run * rows + row) * run + col % run];
      }
    }
    return out;
  }
}
