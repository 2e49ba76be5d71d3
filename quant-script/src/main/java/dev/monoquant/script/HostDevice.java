package dev.monoquant.script;

import dev.monoquant.QuantException;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Moves a program to the CPU, where its weights are read and quantized kernels run: replaces the
 * devices in its pickles and in its code, which libtorch writes in one form each.
 *
 * <p>In pickles a device is a text such as {@code cuda:0}, for the storage of a tensor or an
 * attribute. In code it is {@code torch.device("cuda:0")}; {@code torch.cuda(x)} becomes {@code
 * torch.cpu(x)}. What this does not do: it does not change other texts in code, such as those that
 * a type of device is compared with, and no memory formats or types. Not thread-safe.
 */
public final class HostDevice {

  private static final String HOST = "cpu";
  private static final List<String> ACCELERATORS =
      List.of("cuda", "hip", "xpu", "mps", "hpu", "xla", "npu", "mtia", "privateuseone");
  private static final String DEVICE = "torch.device(\"";
  private static final String MOVED = "torch.cuda(";

  private final SortedSet<String> devices = new TreeSet<>();

  /** Makes an object that has replaced nothing yet. */
  public HostDevice() {}

  /**
   * {@return a text of a pickle; {@code cpu} if it is a device with a number, which no name of an
   * attribute can be}
   *
   * @param text any text
   */
  public String ofPickle(String text) {
    int colon = text.indexOf(':');
    if (colon < 0
        || Expr.Numeral.digits(text.substring(colon + 1)).isEmpty()
        || !ACCELERATORS.contains(text.substring(0, colon))) {
      return text;
    }
    devices.add(text);
    return HOST;
  }

  /**
   * {@return code with its devices replaced}
   *
   * @param code the source of a file
   */
  public String ofCode(String code) {
    StringBuilder out = new StringBuilder();
    int from = 0;
    // In a string, the quote after the parenthesis has a backslash before it.
    for (int at = code.indexOf(DEVICE); at >= 0; at = code.indexOf(DEVICE, at + 1)) {
      int start = at + DEVICE.length();
      int end = code.indexOf('"', start);
      String device = end < 0 ? "" : code.substring(start, end);
      int colon = device.indexOf(':');
      if (ACCELERATORS.contains(colon < 0 ? device : device.substring(0, colon))) {
        devices.add(device);
        out.append(code, from, start).append(HOST);
        from = end;
      }
    }
    String moved = out.append(code, from, code.length()).toString();
    if (!moved.contains(MOVED)) {
      return moved;
    }
    devices.add("cuda");
    return moved.replace(MOVED, "torch." + HOST + "(");
  }

  /** {@return whether it has replaced a device} */
  public boolean hasReplaced() {
    return !devices.isEmpty();
  }

  /** {@return a sentence about what was replaced} */
  public String note() {
    return "It was saved on "
        + String.join(", ", devices.stream().map(QuantException::quote).toList())
        + ": its tensors and the devices in its code are moved to the CPU, in what is run and in"
        + " what is written.";
  }
}
