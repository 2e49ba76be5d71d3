package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.model.ElementType;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Names of a library, the classes of the holders of a program, and what schemes add to it. */
final class Library {

  private static final String OWN_NAME = "__torch__.monoquant.";

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
   * {@return a source with names of another library}
   *
   * @param source the source of the library {@code monoquant}
   * @param name the name of the other one
   */
  static String renamed(String source, String name) {
    return source.replace(OWN_NAME, "__torch__." + name + ".");
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
   * {@return what holders of a library know of the processor: one object for all}
   *
   * @param name the name of the library
   */
  static PickleObject machine(String name) {
    return Pickles.instance("__torch__." + name + ".Machine", new PickleValue.Int(0));
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
    return String.join("\n", lines) + "\n";
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
