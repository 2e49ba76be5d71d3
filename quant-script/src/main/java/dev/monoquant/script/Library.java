package dev.monoquant.script;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Provides the source of holders: one file for each kind of kernels, independent of the model. A
 * scheme that provides its own decoder gets a copy in which this decoder is the function {@code
 * scheme}.
 */
final class Library {

  private static final String RESOURCE = "holders.py";
  private static final String OWN_NAME = "__torch__.monoquant.";
  private static final String SOURCE = load("decoding.py") + load(RESOURCE);

  private Library() {}

  /** {@return the text of a resource of this package} */
  static String load(String resource) {
    try (InputStream in = Library.class.getResourceAsStream(resource)) {
      return new String(
          Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@return the source of a library}
   *
   * @param name its name, such as {@code monoquant}
   * @param kernels the kernels that its holders call
   * @param decoder the source of its function {@code scheme}; empty if {@code scheme} is never
   *     called
   */
  static String source(String name, Kernels kernels, Optional<String> decoder) {
    String text = SOURCE;
    if (decoder.isPresent()) {
      Function scheme =
          Objects.requireNonNull(
              SourceFile.parse(RESOURCE, SOURCE, RESOURCE, nodes -> {}).functions().get("scheme"));
      Edits edits = new Edits();
      edits.replace(scheme.start(), scheme.end(), decoder.get());
      text = edits.apply(text, 0, text.length());
    }
    text = text.replace(": Pack,", ": " + kernels.pack() + ",");
    text = text.replace("[Pack]", "[" + kernels.pack() + "]");
    text = text.replace("(Pack, ", "(" + kernels.pack() + ", ");
    text = text.replace("[Table]", "[" + kernels.table() + "]");
    String calls =
        load(kernels.wire() + ".py")
            .replace(": Pack", ": " + kernels.pack())
            .replace("> Pack", "> " + kernels.pack())
            .replace(": Table", ": " + kernels.table())
            .replace("> Table", "> " + kernels.table());
    return (text + calls).replace(OWN_NAME, "__torch__." + name + ".");
  }

  /**
   * {@return the declared class of attributes that are holders}
   *
   * @param name the name of a library
   */
  static String declared(String name) {
    return "__torch__." + name + ".Held";
  }

  /**
   * {@return the class of holders in the pickle}
   *
   * @param name the name of a library
   */
  static String made(String name) {
    return "__torch__." + name + ".Weight";
  }

  /**
   * Returns the source of a decoding function with the body that the codec provides.
   *
   * @param codec a codec of kind SCRIPT
   * @return the function {@code scheme}
   */
  static String decoder(Codec codec) {
    List<String> lines = new ArrayList<>();
    lines.add("def scheme(parts: List[Tensor],");
    lines.add("    cells: List[int]) -> Tensor:");
    List<Codec.Stored> stored = codec.stored();
    for (int i = 0; i < stored.size(); i++) {
      lines.add("  " + stored.get(i).part().name() + " = " + part(stored.get(i), i));
    }
    codec.script().lines().forEach(l -> lines.add("  " + l));
    return String.join("\n", lines);
  }

  private static String part(Codec.Stored stored, int index) {
    Part part = stored.part();
    String raw = "parts[" + index + "]";
    if (part.type().bits() == 8 || stored.type() != ElementType.UINT8) {
      return raw;
    }
    String unpacked =
        OWN_NAME
            + "unpacked("
            + raw
            + ", "
            + part.type().bits()
            + ", "
            + (part.type().signed() && part.type().isCode() ? "True" : "False")
            + ", cells["
            + index
            + "])";
    return part.extent() instanceof Part.Whole whole && whole.own().rank() != 2
        ? "torch.reshape(" + unpacked + ", [" + dims(whole) + "])"
        : unpacked;
  }

  private static String dims(Part.Whole whole) {
    List<String> dims = new ArrayList<>();
    for (long dim : whole.own().dims()) {
      dims.add(Long.toString(dim));
    }
    return String.join(", ", dims);
  }
}
