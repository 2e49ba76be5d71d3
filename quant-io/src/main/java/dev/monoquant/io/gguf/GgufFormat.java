package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import com.google.auto.service.AutoService;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.gguf.GgufFile;
import dev.monoquant.files.gguf.GgufTensor;
import dev.monoquant.files.gguf.GgufValue;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads GGUF files of versions 2 and 3, recognised by their content, with the names and shapes of
 * ggml: {@code blk.0.attn_q.weight}, the last dimension along a row. Weights in blocks are
 * quantized weights with the scheme {@code ggml/q4-k} and the like, whose values are float32 as
 * ggml decodes them.
 *
 * <p>A split model ({@code NAME-00001-of-00003.gguf}) is read as a whole, whichever of its files is
 * given. The types for activations, Q8_1 and Q8_K, are not decoded: they are listed, and refused by
 * name where their values are needed.
 *
 * <p>A file whose name ends in {@code .safetensors} is not read. What this does not do: it does not
 * map names to those of transformers, undo the permutations of a conversion, or read vocabularies.
 * Stateless and thread-safe.
 */
@AutoService(InputFormatDetector.class)
public final class GgufFormat implements InputFormatDetector {

  private static final int MAGIC = 0x46554747;
  private static final Pattern SPLIT = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
  private static final String SPLIT_COUNT = "split.count";
  private static final String SPLIT_TENSORS = "split.tensors.count";

  /** Made by the service loader. */
  public GgufFormat() {}

  @Override
  public String id() {
    return "gguf";
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of) || !Files.isRegularFile(of.path())) {
      return Match.NONE;
    }
    String name = of.path().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".safetensors")) {
      return Match.NONE;
    }
    boolean named = name.endsWith(".gguf");
    Match otherwise = named ? Match.POSSIBLE : Match.NONE;
    try (SeekableByteChannel channel = Files.newByteChannel(of.path())) {
      ByteBuffer head = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      while (head.hasRemaining() && channel.read(head) >= 0) {
        // Reads until the buffer is full or the file ends.
      }
      return !head.hasRemaining() && head.getInt(0) == MAGIC ? Match.CERTAIN : otherwise;
    } catch (IOException | SecurityException unreadable) {
      return otherwise;
    }
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no file");
    }
    of.choices().requireNone(id());
    Map<String, GgufFile> files = new LinkedHashMap<>();
    List<Path> paths = new ArrayList<>();
    try {
      GgufFile file = GgufFile.open(of.path(), input.describe(), limits);
      files.put("", file);
      paths.add(of.path());
      int count = count(file, SPLIT_COUNT);
      if (count > 1) {
        openParts(of.path(), count, limits, files, paths);
      }
      requireTensors(files, input.describe());
      return new GgufSource(input.describe(), files, paths, SideFiles.NONE);
    } catch (IOException | RuntimeException | Error e) {
      Closing.all(files.values());
      throw e;
    }
  }

  /** Opens all parts in their order; the one that is open is opened again at its place. */
  private static void openParts(
      Path given, int count, ReadLimits limits, Map<String, GgufFile> files, List<Path> paths)
      throws IOException {
    GgufFile first = files.values().iterator().next();
    Matcher name = SPLIT.matcher(String.valueOf(given.getFileName()));
    if (!name.matches() || Integer.parseInt(name.group(3)) != count || count > limits.maxShards()) {
      throw new ModelFormatException(
          Reason.SHARD_MISMATCH,
          first.label(),
          "",
          "it is one of "
              + count
              + " parts, and its name does not end in -00001-of-"
              + String.format(Locale.ROOT, "%05d", count)
              + ".gguf or another number, or there are more than "
              + limits.maxShards()
              + " (limit maxShards). Give the parts the names that they were written with.");
    }
    first.close();
    files.clear();
    paths.clear();
    for (int i = 1; i <= count; i++) {
      String part = String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", name.group(1), i, count);
      Path path = Locations.folder(given).resolve(part);
      if (!Files.isRegularFile(path)) {
        throw new ModelFormatException(
            Reason.SHARD_MISSING,
            given.toString(),
            quote(part),
            "is missing; the model has " + count + " parts. Fetch it into the same folder.");
      }
      files.put(part, GgufFile.open(path, path.toString(), limits));
      paths.add(path);
    }
  }

  private static void requireTensors(Map<String, GgufFile> files, String label) {
    Set<String> names = new HashSet<>();
    for (GgufFile file : files.values()) {
      for (GgufTensor tensor : file.tensors()) {
        if (!names.add(tensor.name())) {
          throw new ModelFormatException(
              Reason.SHARD_MISMATCH,
              file.label(),
              "tensor " + quote(tensor.name()),
              "is in another part too. The parts do not belong together; fetch them again.");
        }
      }
    }
    int expected = count(files.values().iterator().next(), SPLIT_TENSORS);
    if (files.size() > 1 && expected > 0 && names.size() != expected) {
      throw new ModelFormatException(
          Reason.SHARD_MISMATCH,
          label,
          "",
          "its parts have "
              + names.size()
              + " tensors, and "
              + expected
              + " are declared. The parts do not belong together; fetch them again.");
    }
    if (names.isEmpty()) {
      throw new ModelFormatException(
          Reason.NO_TENSORS,
          label,
          "",
          "this GGUF file has no tensors, only metadata such as a vocabulary.");
    }
  }

  /** A count of the metadata; 0 if it is absent or no small number. */
  private static int count(GgufFile file, String key) {
    GgufValue value = file.metadata().get(key);
    return value != null && value.text().matches("[0-9]{1,9}") ? Integer.parseInt(value.text()) : 0;
  }
}
