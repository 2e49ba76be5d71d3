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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

  private static final String CLASS = "class Weight:\n";
  private static final String INTERFACE = "class Held(Interface):\n";

  /** What measuring changes: its holders are modules, whose times are parameters. */
  private static final Map<String, String> MEASURING =
      Map.of(
          CLASS,
          """
          class Weight(Module):
            __parameters__ = ["nanos", ]
            __buffers__ = []
            training : bool
            nanos : Tensor
            reverse : bool
            keeps : bool
          """,
          "    self.reduced = False\n",
          """
              self.reduced = False
              self.training = False
              self.nanos = torch.zeros([3], dtype=4)
              self.reverse = False
              self.keeps = plan[4] == 1
          """,
          "    if self.kept:\n      self.whole = ",
          "    if self.kept or self.mode > 0:\n      self.whole = ",
          "  def __getstate__(self",
          load("timed.py") + "  def __getstate__(self",
          "  def linear(self",
          "  def untimed_linear(self",
          "  def embed(self",
          "  def untimed_embed(self",
          "  def conv(self",
          "  def untimed_conv(self");

  /** What measuring changes of inputs that are shared: each weight sees them itself. */
  private static final String SHARED = "    shared = self.mode\n";

  /** What the interface of holders has if they share inputs. */
  private static final String SHARED_CALLS =
      """
        def prepared(self: __torch__.monoquant.Held,
          input: Tensor) -> Tuple[int, Tensor, Tensor, Tensor, float, int]:
          pass
        def linear_of(self: __torch__.monoquant.Held,
          input: Tensor,
          prepared: Tuple[int, Tensor, Tensor, Tensor, float, int],
          bias: Optional[Tensor]) -> Tensor:
          pass
      """;

  /** What holders that chain layers have more. */
  private static final Map<String, String> CHAINING =
      Map.of(
          "  held : List[Tensor]\n",
          """
            held : List[Tensor]
            norm : List[Tensor]
            takes : bool
            gives : int
            next_scale : Tensor
            next_zeros : Tensor
            next_step : float
            next_middle : int
            shift : Tensor
            gain : Optional[Tensor]
          """,
          "List[int], Optional[Tensor]]:",
          "List[int], Optional[Tensor], List[Tensor]]:",
          "List[int], Optional[Tensor]]) -> NoneType:",
          "List[int], Optional[Tensor], List[Tensor]]) -> NoneType:",
          "self.window, self.bias)",
          "self.window, self.bias, self.norm)",
          "window, bias = state",
          "window, bias, norm = state",
          "    self.held = annotate(List[Tensor], [])\n",
          """
              self.held = annotate(List[Tensor], [])
              self.norm = norm
              chained = len(plan) > 10
              self.takes = chained and plan[10] == 1
              self.gives = plan[11] if chained else 0
              self.next_scale = torch.empty([0])
              self.next_zeros = torch.empty([0])
              self.next_step = 1.
              self.next_middle = 0
              self.shift = torch.empty([0])
              self.gain = None
          """,
          "    return None\n  def prepare_product(self",
          "    if chained:\n      self.chain()\n    return None\n  def prepare_product(self",
          "    if self.mode == 0:\n      whole = torch.flatten",
          "    if self.gives > 0 or self.takes:\n      return self.chained_linear(input, bias)\n"
              + "    if self.mode == 0:\n      whole = torch.flatten",
          "    window = self.window\n    single = len(self.dims) == 5\n",
          """
              if self.gives > 0 or self.takes:
                return self.chained_conv(input, bias)
              window = self.window
              single = len(self.dims) == 5
          """);

  /** The limit of pairs of codes in a kernel whose inputs have all levels, as codes have. */
  private static final String PAIRS = "176)";

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
   * @param shares whether its holders take inputs that are prepared for several weights
   * @param chains whether its holders take codes of other layers, or give them
   */
  static String source(
      String name, Kernels kernels, Optional<String> decoder, boolean shares, boolean chains) {
    String text = SOURCE;
    if (decoder.isPresent()) {
      Function scheme =
          Objects.requireNonNull(
              SourceFile.parse(RESOURCE, SOURCE, RESOURCE, nodes -> {}).functions().get("scheme"));
      Edits edits = new Edits();
      edits.replace(scheme.start(), scheme.end(), decoder.get());
      text = edits.apply(text, 0, text.length());
    }
    if (chains) {
      text = replaced(text, CHAINING).replace(PAIRS, "128 if self.takes else " + PAIRS);
      text += load("chained.py");
    }
    if (shares) {
      text = text.replace(CLASS, SHARED_CALLS + CLASS) + load("shared.py");
    }
    text = text.replace(": Pack,", ": " + kernels.pack() + ",");
    text = text.replace("[Pack]", "[" + kernels.pack() + "]");
    text = text.replace("(Pack, ", "(" + kernels.pack() + ", ");
    text = text.replace("[Table]", "[" + kernels.table() + "]");
    String calls =
        (load(kernels.wire() + ".py")
                + (chains ? load("normed.py") : "")
                + (shares ? load("shared_" + kernels.wire() + ".py") : ""))
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
   * {@return what holders of a library know of the processor: one object for all}
   *
   * @param name the name of the library
   */
  static PickleObject machine(String name) {
    return Pickles.instance("__torch__." + name + ".Machine", new PickleValue.Int(0));
  }

  /** {@return whether a class is that of holders of a library} */
  static boolean isHolder(String type, String library, String source) {
    return type.equals(library + ".Weight") && source.contains(CLASS);
  }

  /**
   * {@return the source of a library whose holders measure themselves, see {@link TimedProgram}}
   *
   * @param library its qualified name
   * @param source its source
   */
  static String timed(String library, String source) {
    Map<String, String> measuring = new HashMap<>();
    MEASURING.forEach((old, by) -> measuring.put(old, by.replace(OWN_NAME, library + ".")));
    return replaced(source, measuring)
        .replace(SHARED, "    shared = -1\n")
        .replace(INTERFACE, "class Held(ModuleInterface):\n");
  }

  /** {@return a source with replaced parts of the class of holders} */
  private static String replaced(String source, Map<String, String> parts) {
    int start = source.indexOf(CLASS);
    Edits edits = new Edits();
    parts.forEach(
        (old, by) -> {
          int at = source.indexOf(old, start);
          if (at < 0) {
            throw new IllegalStateException("the source of holders has no " + old);
          }
          edits.replace(at, at + old.length(), by);
        });
    return edits.apply(source, 0, source.length());
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
