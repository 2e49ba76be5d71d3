package dev.monoquant.io.files;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** Tells what a file is that is not what it should be, from its first bytes. */
final class ForeignFile {

  private ForeignFile() {}

  /**
   * {@return what the file is and what to do, as the rest of a sentence; empty if it is not known}
   *
   * @param head the first bytes, a few hundred are enough; not consumed
   */
  static Optional<String> describe(ByteBuffer head) {
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
      return Optional.of("a GGUF file. Use the safetensors files of the model instead.");
    }
    if (bytes.length > 1 && bytes[0] == (byte) 0x80 && bytes[1] >= 2 && bytes[1] <= 5) {
      return Optional.of("a Python pickle. Save the state dict as safetensors instead.");
    }
    if (text.startsWith("\u0008") && (text.contains("onnx") || text.contains("pytorch"))) {
      return Optional.of("an ONNX model. Use the safetensors files of the model instead.");
    }
    if (text.startsWith("\u0089HDF")) {
      return Optional.of("an HDF5 file. Use the safetensors files of the model instead.");
    }
    if (text.startsWith("{")) {
      return Optional.of("a text in JSON, not a model. Give the model's tensor file instead.");
    }
    return Optional.empty();
  }
}
