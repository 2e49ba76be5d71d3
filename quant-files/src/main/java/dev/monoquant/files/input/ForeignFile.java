package dev.monoquant.files.input;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Identifies a file of an unexpected format from its first bytes. */
public final class ForeignFile {

  private static final String TAKE_SAFETENSORS =
      " Use the safetensors files of the model instead, or its PyTorch checkpoint.";

  private static final Set<String> TORCH_RECORDS =
      Set.of("data.pkl", "constants.pkl", "version", "byteorder", ".format_version");

  private ForeignFile() {}

  /**
   * Describes a file.
   *
   * @param head the first bytes, a few hundred are enough; not consumed
   * @return what the file is and what to do, as the rest of a sentence; empty if it is not known
   */
  public static Optional<String> describe(ByteBuffer head) {
    byte[] bytes = new byte[Math.min(head.remaining(), 512)];
    head.duplicate().get(bytes);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    if (text.startsWith("version https://git-lfs")) {
      return Optional.of("a Git LFS pointer, not the file it points to. Run git lfs pull.");
    }
    String start = text.stripLeading().toLowerCase(Locale.ROOT);
    if (start.startsWith("<!doctype") || start.startsWith("<html") || start.startsWith("<?xml")) {
      return Optional.of("an HTML page, not a model. Fetch the file itself, not its web page.");
    }
    if (text.startsWith("\u001f\u008b")) {
      return Optional.of("compressed with gzip. Unpack it first.");
    }
    if (text.startsWith("PK\u0003\u0004") || text.startsWith("PK\u0005\u0006")) {
      return Optional.of(
          "a zip archive, as PyTorch checkpoints and TorchScript files are. Give it a name that"
              + " ends in .pt or convert it to safetensors.");
    }
    if (text.startsWith("GGUF")) {
      return Optional.of("a GGUF file. Read it as gguf.");
    }
    if (bytes.length > 1 && bytes[0] == (byte) 0x80 && bytes[1] >= 2 && bytes[1] <= 5) {
      return Optional.of(
          "a Python pickle, not a file of torch.save. Save the state dict with torch.save or as"
              + " safetensors.");
    }
    if (text.startsWith("\u0008") && (text.contains("onnx") || text.contains("pytorch"))) {
      return Optional.of("an ONNX model." + TAKE_SAFETENSORS);
    }
    if (text.startsWith("\u0089HDF")) {
      return Optional.of("an HDF5 file, as Keras writes it." + TAKE_SAFETENSORS);
    }
    if (text.length() > 262 && text.startsWith("ustar", 257)) {
      return Optional.of("a tar archive. Unpack it first; PyTorch before 0.1.10 is not read.");
    }
    if (text.startsWith("\u0093NUMPY")) {
      return Optional.of("a NumPy array." + TAKE_SAFETENSORS);
    }
    if (text.startsWith("{")) {
      return Optional.of("a text in JSON, not a model. Give the model's tensor file instead.");
    }
    return Optional.empty();
  }

  /**
   * Describes a zip archive that PyTorch has not written.
   *
   * @param names the names of its entries
   * @return what it is and what to do, as the rest of a sentence; empty if PyTorch may have written
   *     it
   */
  public static Optional<String> describeZip(Collection<String> names) {
    if (names.isEmpty()) {
      return Optional.of("a zip archive without entries. Fetch the file again.");
    }
    if (has(names, "archive_format")) {
      return Optional.of(
          "an archive of torch.export. Read it as torch-export, or give it a name that ends in"
              + " .pt2.");
    }
    if (names.contains("serialized_exported_program.json")) {
      return Optional.of(
          "an archive of torch.export as PyTorch before 2.8 wrote it. Load the model with"
              + " torch.export.load and save it again, or save its state dict with torch.save.");
    }
    if (names.stream().anyMatch(ForeignFile::isTorch)) {
      return Optional.empty();
    }
    String what = "a zip archive of something else";
    if (names.stream().allMatch(n -> n.endsWith(".npy"))) {
      what = "a zip archive of NumPy arrays (.npz)";
    } else if (has(names, "model.weights.h5")) {
      what = "a Keras model";
    } else if (names.contains("META-INF/MANIFEST.MF")) {
      what = "a jar, or a model packed in one";
    } else if (names.stream().anyMatch(n -> n.endsWith(".pt") || n.endsWith(".safetensors"))) {
      what = "a zip archive with model files inside; unpack it and give one of these";
    }
    return Optional.of(
        what
            + ": no entry is one of those that torch.save and torch.jit.save write, such as"
            + " data.pkl."
            + TAKE_SAFETENSORS);
  }

  private static boolean has(Collection<String> names, String last) {
    return names.stream().anyMatch(n -> n.equals(last) || n.endsWith("/" + last));
  }

  /**
   * Whether an entry at the top or one folder deep marks an archive of PyTorch, ignoring case; its
   * faults are then reported as faults of such an archive.
   */
  private static boolean isTorch(String name) {
    String inFolder = name.substring(name.indexOf('/') + 1).toLowerCase(Locale.ROOT);
    return TORCH_RECORDS.contains(inFolder) || inFolder.startsWith(".data/");
  }
}
