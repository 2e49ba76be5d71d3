package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.gguf.GgufValue;
import dev.monoquant.files.input.ParseBudget;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the metadata of a GGUF model by key. The structure of the values was checked when the file
 * was opened; their types are checked here.
 */
final class GgufValues {

  private static final int TEXT = 64;

  private final String file;
  private final Map<String, Value> values = new LinkedHashMap<>();
  private final ParseBudget budget;

  GgufValues(String file, List<Value> all) {
    this.file = file;
    all.forEach(value -> values.put(value.key(), value));
    this.budget = new ParseBudget(file, ReadLimits.DEFAULT.maxParsedBytes());
  }

  /**
   * Takes what is made of the metadata from the budget of the metadata.
   *
   * @param size in bytes
   */
  void charge(long size) {
    budget.charge(size);
  }

  private Optional<Value> find(String key) {
    return Optional.ofNullable(values.get(key));
  }

  private static ByteBuffer bytes(Value value) {
    return value.bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  Optional<String> text(String key) {
    return find(key)
        .map(
            value -> {
              require(value, value.type() == GgufValue.Type.STRING, "a text");
              return text(bytes(value));
            });
  }

  private String text(ByteBuffer in) {
    long length = in.getLong();
    budget.charge(TEXT + 2 * length);
    byte[] text = new byte[Math.toIntExact(length)];
    in.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  /** {@return an integer from 0 to 2^31-1} */
  Optional<Integer> count(String key) {
    return find(key)
        .map(
            value -> {
              ByteBuffer in = bytes(value);
              long number =
                  switch (value.type()) {
                    case UINT8 -> in.get() & 0xFF;
                    case UINT16 -> in.getShort() & 0xFFFF;
                    case UINT32 -> in.getInt() & 0xFFFFFFFFL;
                    case INT32 -> in.getInt();
                    case UINT64, INT64 -> in.getLong();
                    default -> -1;
                  };
              require(value, number >= 0 && number <= Integer.MAX_VALUE, "a count");
              return (int) number;
            });
  }

  int require(String key) {
    return count(key)
        .filter(number -> number > 0)
        .orElseThrow(() -> fault(key, "is absent or 0, and config.json needs it"));
  }

  /** {@return a finite number} */
  Optional<Float> number(String key) {
    return find(key)
        .map(
            value -> {
              require(value, value.type() == GgufValue.Type.FLOAT32, "a number of type float32");
              float number = bytes(value).getFloat();
              if (!Float.isFinite(number)) {
                throw fault(key, "is " + number + "; it must be finite");
              }
              return number;
            });
  }

  Optional<Boolean> flag(String key) {
    return find(key)
        .map(
            value -> {
              require(value, value.type() == GgufValue.Type.BOOL, "true or false");
              return bytes(value).get() != 0;
            });
  }

  List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    array(key, GgufValue.Type.STRING)
        .ifPresent(
            in -> {
              for (long n = in.getLong(); n > 0; n--) {
                texts.add(text(in));
              }
            });
    return texts;
  }

  int[] integers(String key) {
    return array(key, GgufValue.Type.INT32)
        .map(
            in -> {
              int[] numbers = new int[Math.toIntExact(in.getLong())];
              in.asIntBuffer().get(numbers);
              return numbers;
            })
        .orElse(new int[0]);
  }

  float[] floats(String key) {
    return array(key, GgufValue.Type.FLOAT32)
        .map(
            in -> {
              float[] numbers = new float[Math.toIntExact(in.getLong())];
              in.asFloatBuffer().get(numbers);
              return numbers;
            })
        .orElse(new float[0]);
  }

  /** The bytes of an array from its count on. */
  private Optional<ByteBuffer> array(String key, GgufValue.Type items) {
    return find(key)
        .map(
            value -> {
              ByteBuffer in = bytes(value);
              boolean fits =
                  value.type() == GgufValue.Type.ARRAY
                      && Value.itemType(in.getInt()).filter(items::equals).isPresent();
              require(value, fits, "an array of " + items);
              return in;
            });
  }

  private void require(Value value, boolean fits, String expected) {
    if (!fits) {
      throw fault(value.key(), "is of type " + value.type() + "; it must be " + expected);
    }
  }

  ModelFormatException fault(String key, String detail) {
    return new ModelFormatException(
        Reason.METADATA,
        file,
        "value " + quote(key),
        detail + ". The file is damaged or newer than this program; fetch it again.");
  }
}
