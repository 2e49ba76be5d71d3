package dev.monoquant.io.tokenizer;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonFiles;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the files of a tokenizer beside a model, each up to a limit. */
final class TokenizerFiles {

  /** Vocabularies of 260,000 tokens have files of 33 MB, and take 200 MB as JSON. */
  private static final long MAX_FILE = 128L << 20;

  private static final long MAX_PARSED = 256L << 20;

  private final Map<String, Path> files = new HashMap<>();
  private final ReadLimits limits;

  TokenizerFiles(List<SideFile> sides, ReadLimits given) {
    sides.forEach(side -> files.put(side.name(), side.path()));
    this.limits =
        given
            .withMaxIndexBytes(Math.max(given.maxIndexBytes(), MAX_FILE))
            .withMaxParsedBytes(Math.max(given.maxParsedBytes(), MAX_PARSED));
  }

  /** {@return the memory that a file may take when it is parsed} */
  long maxParsedBytes() {
    return limits.maxParsedBytes();
  }

  /** {@return the path of a file as text, for messages} */
  String label(String name) {
    Path path = files.get(name);
    return path == null ? name : path.toString();
  }

  Optional<JsonValue> json(String name) throws IOException {
    Path path = files.get(name);
    return path == null
        ? Optional.empty()
        : Optional.of(
            JsonFiles.read(path, path.toString(), name, Reason.HEADER_JSON, true, limits));
  }

  /** {@return the object of a file; empty if there is no such file} */
  Optional<Obj> object(String name) throws IOException {
    Optional<JsonValue> json = json(name);
    if (json.isPresent() && !(json.get() instanceof Obj)) {
      throw fault(name, "it is " + json.get().kind() + ", not an object");
    }
    return json.map(Obj.class::cast);
  }

  /** {@return the bytes of a file; empty if there is no such file} */
  Optional<ByteBuffer> bytes(String name) throws IOException {
    Path path = files.get(name);
    if (path == null) {
      return Optional.empty();
    }
    long size = Files.size(path);
    if (size > limits.maxIndexBytes()) {
      throw new ModelFormatException(
          Reason.LIMIT,
          path.toString(),
          "",
          "it has "
              + size
              + " bytes, at most "
              + limits.maxIndexBytes()
              + " are read (limit maxIndexBytes). Raise the limit if the file can be trusted.");
    }
    return Optional.of(ByteBuffer.wrap(Files.readAllBytes(path)));
  }

  /** {@return the text of a file in UTF-8; empty if there is no such file} */
  Optional<String> text(String name) throws IOException {
    Optional<ByteBuffer> bytes = bytes(name);
    if (bytes.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(StandardCharsets.UTF_8.newDecoder().decode(bytes.get()).toString());
    } catch (CharacterCodingException e) {
      throw fault(name, "it is not UTF-8");
    }
  }

  ModelFormatException fault(String name, String detail) {
    return new ModelFormatException(
        Reason.METADATA, label(name), "", detail + ". The file is damaged; fetch it again.");
  }
}
