package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model as a GGUF file stores it. Immutable.
 *
 * @param architecture the architecture of llama.cpp, such as {@code qwen2}
 * @param tensors the tensors with the names of ggml, in any order
 * @param leftOut names of tensors of the model that the file does not hold, with reasons
 * @param metadata the hyperparameters in order, by their whole key, such as {@code
 *     qwen2.block_count}: {@code Integer} for an unsigned number of 32 bits, {@code Float}, {@code
 *     Boolean}, or {@code String}
 * @param notes what the user should know, one line each: above all where llama.cpp computes
 *     something else than transformers
 */
public record GgufMapping(
    String architecture,
    List<Stored> tensors,
    Map<String, String> leftOut,
    Map<String, Object> metadata,
    List<String> notes) {

  /** Copies the collections, keeping their order, and checks the types of the metadata. */
  public GgufMapping {
    requireNonNull(architecture, "architecture");
    tensors = List.copyOf(tensors);
    leftOut = Collections.unmodifiableMap(new LinkedHashMap<>(leftOut));
    notes = List.copyOf(notes);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    metadata.forEach(
        (key, value) -> {
          if (!(value instanceof Integer
              || value instanceof Float
              || value instanceof Boolean
              || value instanceof String)) {
            throw new IllegalArgumentException(
                "value " + key + " is " + value + ", no Integer, Float, Boolean or String");
          }
        });
  }

  /**
   * {@return how many rows of each tensor of the model are stored, by its name, each counted once
   * however often it is stored; a tensor without stored rows is absent}
   *
   * <p>The whole of a tensor is stored if these are all its rows. Takes time n log n for n runs.
   */
  public Map<String, Long> storedRows() {
    Map<String, List<Run>> runs = new HashMap<>();
    for (Stored stored : tensors) {
      if (stored.content() instanceof Rows rows) {
        for (Run run : rows.runs()) {
          runs.computeIfAbsent(run.tensor().name(), name -> new ArrayList<>()).add(run);
        }
      }
    }
    Map<String, Long> counts = new HashMap<>();
    runs.forEach((name, of) -> counts.put(name, distinct(of)));
    return counts;
  }

  private static long distinct(List<Run> runs) {
    runs.sort(Comparator.comparingLong(Run::first));
    long rows = 0;
    long end = 0;
    for (Run run : runs) {
      long last = Math.addExact(run.first(), run.count());
      rows += Math.max(0, last - Math.max(end, run.first()));
      end = Math.max(end, last);
    }
    return rows;
  }

  /**
   * A tensor of the file.
   *
   * @param name its name, such as {@code blk.0.attn_q.weight}
   * @param shape its dimensions as PyTorch has them
   * @param content its numbers
   */
  public record Stored(String name, TensorShape shape, Content content) {
    /** Checks that nothing is null. */
    public Stored {
      requireNonNull(name, "name");
      requireNonNull(shape, "shape");
      requireNonNull(content, "content");
    }
  }

  /** The numbers of a tensor. */
  public sealed interface Content {}

  /**
   * Rows of tensors of the model, one run after the other. A row is what lies along the last
   * dimension; in a tensor of rank 1, one number.
   *
   * @param runs the runs; all tensors have one type and rows of one length
   * @param float32 whether the numbers are stored as F32; otherwise in the type of the tensors
   * @param plus what is added to each number, in the type of the tensors but at least F32 for BF16;
   *     not 0 only with {@code float32}
   */
  public record Rows(List<Run> runs, boolean float32, float plus) implements Content {
    /** Copies the runs. */
    public Rows {
      runs = List.copyOf(runs);
      if (runs.isEmpty() || (plus != 0 && !float32)) {
        throw new IllegalArgumentException(
            runs.isEmpty() ? "no runs" : "numbers that change are stored as F32");
      }
    }
  }

  /**
   * Rows that follow each other in a tensor of the model.
   *
   * <pre>
   * rotary = 0   row i is row first + i
   * rotary = d   heads of d rows: rows 0, d/2, 1, d/2 + 1, ... of each head
   * </pre>
   *
   * @param tensor the tensor
   * @param first its first row
   * @param count how many
   * @param rotary rows of an attention head whose halves alternate in the file, as llama.cpp
   *     rotates pairs of neighbours; an even number that divides {@code first} and {@code count},
   *     or 0
   */
  public record Run(TensorInfo tensor, long first, long count, int rotary) {
    /** Checks the numbers. */
    public Run {
      requireNonNull(tensor, "tensor");
      if (first < 0 || count < 1 || rotary < 0 || rotary % 2 != 0) {
        throw new IllegalArgumentException(
            count + " rows from " + first + " on, heads of " + rotary + " rows");
      }
      if (rotary > 0 && (first % rotary != 0 || count % rotary != 0)) {
        throw new IllegalArgumentException(
            count + " rows from " + first + " on are no heads of " + rotary + " rows");
      }
    }
  }

  /**
   * Numbers that the model does not store, as F32, such as the factors of rotary embeddings.
   *
   * @param values one for each number
   */
  public record Numbers(List<Float> values) implements Content {
    /** Copies the list. */
    public Numbers {
      values = List.copyOf(values);
    }
  }
}
