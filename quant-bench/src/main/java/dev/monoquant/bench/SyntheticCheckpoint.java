package dev.monoquant.bench;

import dev.monoquant.bench.Architecture.Weight;
import dev.monoquant.model.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.LongStream;

/**
 * Writes a safetensors file of an untrained model: matrices are N(0, 0.02), norms are ones.
 *
 * <p>The same architecture, type and seed give the same bytes on the same Java release, for any
 * number of threads: each piece has its own generator, seeded by its position.
 */
final class SyntheticCheckpoint {

  private static final double DEVIATION = 0.02;
  private static final int PIECE = 1 << 20;

  private final ElementType type;
  private final long seed;

  /**
   * Describes checkpoints.
   *
   * @param type BFLOAT16 (rounded half to even) or FLOAT32
   * @param seed the seed of the numbers
   */
  SyntheticCheckpoint(ElementType type, long seed) {
    if (type != ElementType.BFLOAT16 && type != ElementType.FLOAT32) {
      throw new IllegalArgumentException(
          "no checkpoints of " + type.wire() + "; BF16 and F32 only");
    }
    this.type = type;
    this.seed = seed;
  }

  /**
   * Writes a file.
   *
   * @param architecture the tensors to write
   * @param file the file to write; replaced if it exists
   * @return bytes written
   * @throws IOException if writing fails
   */
  long write(Architecture architecture, Path file) throws IOException {
    List<Weight> weights = architecture.weights();
    ByteBuffer header = header(weights);
    try (FileChannel out =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      long position = writeFully(out, header, 0);
      for (int i = 0; i < weights.size(); i++) {
        writeTensor(out, position, weights.get(i), i);
        position += weights.get(i).elements() * type.cellBytes();
      }
    }
    return Files.size(file);
  }

  private ByteBuffer header(List<Weight> weights) {
    StringBuilder json = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    long offset = 0;
    for (Weight weight : weights) {
      long end = offset + weight.elements() * type.cellBytes();
      json.append(
          String.format(
              ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              weight.name(), type.wire(), weight.shape(), offset, end));
      offset = end;
    }
    json.append('}');
    while (json.length() % 8 != 0) {
      json.append(' ');
    }
    byte[] text = json.toString().getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(8 + text.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .flip();
  }

  private void writeTensor(FileChannel out, long start, Weight weight, int index) {
    long pieces = (weight.elements() + PIECE - 1) / PIECE;
    LongStream.range(0, pieces)
        .parallel()
        .forEach(
            piece -> {
              long first = piece * PIECE;
              int count = (int) Math.min(PIECE, weight.elements() - first);
              RandomGenerator random =
                  RandomGeneratorFactory.of("L64X128MixRandom")
                      .create(seed ^ ((long) index << 32) ^ piece);
              ByteBuffer bytes =
                  ByteBuffer.allocate(count * type.cellBytes()).order(ByteOrder.LITTLE_ENDIAN);
              for (int i = 0; i < count; i++) {
                put(bytes, weight.norm() ? 1f : (float) (DEVIATION * random.nextGaussian()));
              }
              try {
                writeFully(out, bytes.flip(), start + first * type.cellBytes());
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
  }

  private void put(ByteBuffer bytes, float value) {
    if (type == ElementType.FLOAT32) {
      bytes.putFloat(value);
    } else {
      int bits = Float.floatToRawIntBits(value);
      bytes.putShort((short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16));
    }
  }

  private static long writeFully(FileChannel out, ByteBuffer bytes, long position)
      throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += out.write(bytes, at);
    }
    return at;
  }
}
