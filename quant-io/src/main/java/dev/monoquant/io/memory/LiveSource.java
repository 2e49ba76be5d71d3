package dev.monoquant.io.memory;

import static dev.monoquant.QuantException.quote;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.util.NativeResource;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A source of live arrays. Owns only a manager with an alias of each array.
 *
 * <p>Existing views are returned without a lock; calls to the engine and closing are synchronized.
 */
final class LiveSource implements ModelSource {

  private final String input;
  private final ModelInfo info;
  private final Map<TensorInfo, LiveTensor> live;
  private final NDManager manager;
  private volatile boolean closed;

  private LiveSource(
      LiveArrays arrays,
      Map<String, TensorInfo> infos,
      Map<TensorInfo, LiveTensor> live,
      NDManager manager) {
    this.input = arrays.input();
    this.info =
        ModelInfo.of(arrays.input(), List.copyOf(infos.values()))
            .withLayers(BlockLayers.layers(arrays, infos))
            .withTies(ties(arrays.arrays()));
    this.live = Collections.unmodifiableMap(live);
    this.manager = manager;
  }

  /**
   * Creates an alias of every array; closes them again on failure.
   *
   * @param arrays the caller's arrays
   * @param infos the descriptions of the arrays, by name, in the same order
   * @param maxView bytes above which no view of a whole tensor is made
   */
  static LiveSource open(LiveArrays arrays, Map<String, TensorInfo> infos, long maxView) {
    NDArray any = arrays.arrays().values().iterator().next();
    NDManager manager = any.getManager().getEngine().newBaseManager(Device.cpu());
    boolean open = false;
    try {
      Map<TensorInfo, LiveTensor> live = new LinkedHashMap<>();
      arrays
          .arrays()
          .forEach(
              (name, array) -> {
                TensorInfo info = Objects.requireNonNull(infos.get(name));
                NDArray alias = alias(arrays.input(), name, array, manager.newSubManager());
                live.put(info, new LiveTensor(info, alias, maxView));
              });
      LiveSource source = new LiveSource(arrays, infos, live, manager);
      open = true;
      return source;
    } finally {
      if (!open) {
        manager.close();
      }
    }
  }

  /** Names that stand for the same array, since a block or parameter is used twice. */
  private static Map<String, String> ties(Map<String, NDArray> arrays) {
    Map<Object, String> first = new HashMap<>();
    Map<String, String> ties = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          // Compares the engine's handle: two Java objects may stand for one array.
          Object same = array instanceof NativeResource<?> resource ? resource.getHandle() : array;
          String other = first.putIfAbsent(same, name);
          if (other != null) {
            ties.put(name, other);
          }
        });
    return ties;
  }

  /** {@return a new handle for the same memory, moved from the array's manager to the owner} */
  private static NDArray alias(String input, String name, NDArray array, NDManager owner) {
    try {
      NDArray alias = array.stopGradient();
      NDScope.unregister(alias);
      alias.attach(owner);
      return alias;
    } catch (IllegalStateException | UnsupportedOperationException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          input,
          "tensor " + quote(name),
          "the engine gives no alias of its array: "
              + e.getMessage()
              + ". Pass open arrays of an engine, whose managers are open and not capped",
          e);
    }
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public ByteBuffer read(TensorInfo tensor, long offset, int length) {
    LiveTensor array = live.get(tensor);
    if (array == null) {
      throw new IllegalArgumentException(input + " has no tensor " + tensor);
    }
    if (offset < 0 || length < 0 || offset > tensor.bytes() - length) {
      throw new IllegalArgumentException(
          String.format(
              "tensor %s of %s has %d bytes; %d bytes from %d were asked for",
              tensor.name(), input, tensor.bytes(), length, offset));
    }
    requireOpen();
    ByteBuffer view = array.view();
    if (view != null) {
      return LiveTensor.slice(view, (int) offset, length);
    }
    synchronized (manager) {
      requireOpen();
      return array.read(offset, length);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          input + ": this source is closed. Read before closing it, or open the input again");
    }
  }

  @Override
  public void close() {
    synchronized (manager) {
      closed = true;
      manager.close();
    }
  }
}
