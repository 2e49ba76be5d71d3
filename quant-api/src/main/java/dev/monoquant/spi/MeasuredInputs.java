package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** A {@link Calibration} in memory, for callers that measure the inputs themselves. Immutable. */
public final class MeasuredInputs implements Calibration {

  private final Map<String, InputStatistics> byLayer = new TreeMap<>();
  private final String digest;

  private MeasuredInputs(Collection<InputStatistics> all) {
    for (InputStatistics statistics : all) {
      if (byLayer.put(statistics.layer(), statistics) != null) {
        throw new ConfigurationException(
            "layer " + statistics.layer() + " has statistics twice; once is allowed");
      }
    }
    this.digest = hash(byLayer.values());
  }

  /**
   * {@return a calibration}
   *
   * @param all the statistics of each layer
   * @throws ConfigurationException if a layer occurs twice
   */
  public static MeasuredInputs of(InputStatistics... all) {
    return new MeasuredInputs(List.of(all));
  }

  @Override
  public String describe() {
    return "the given calibration";
  }

  /**
   * The SHA-256 of each layer in order: its name in UTF-8 and a zero byte, the rows as INT64, and
   * as FLOAT32 the range, the rows of the Gram matrix and the mean squares (its diagonal if only
   * that is known), each after a byte that is 1 where it is present and 0 where it is not;
   * little-endian.
   */
  @Override
  public String digest() {
    return digest;
  }

  @Override
  public Set<String> layers() {
    return Set.copyOf(byLayer.keySet());
  }

  @Override
  public Optional<InputStatistics> find(String layer) {
    return Optional.ofNullable(byLayer.get(layer));
  }

  @Override
  public void close() {
    // Holds no file.
  }

  private static String hash(Collection<InputStatistics> all) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
    for (InputStatistics one : all) {
      digest.update((one.layer() + "\0").getBytes(StandardCharsets.UTF_8));
      digest.update((byte) (one.rows().isPresent() ? 1 : 0));
      one.rows()
          .ifPresent(
              n ->
                  digest.update(
                      ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array()));
      digest.update((byte) (one.range().isPresent() ? 1 : 0));
      one.range().ifPresent(range -> add(digest, range.min(), range.max()));
      digest.update((byte) (one.gram().isPresent() ? 1 : 0));
      one.gram()
          .ifPresent(
              gram -> {
                float[] row = new float[gram.size()];
                for (int i = 0; i < row.length; i++) {
                  gram.readRow(i, row);
                  add(digest, row);
                }
              });
      // Who uses a damaged diagonal refuses it.
      Optional<float[]> squares = one.squaresOrDiagonal();
      digest.update((byte) (squares.isPresent() ? 1 : 0));
      squares.ifPresent(s -> add(digest, s));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void add(MessageDigest digest, float... numbers) {
    byte[] bytes = new byte[numbers.length * Float.BYTES];
    FloatBytes.narrow(ElementType.FLOAT32, numbers, 0, numbers.length, bytes, 0);
    digest.update(bytes);
  }
}
