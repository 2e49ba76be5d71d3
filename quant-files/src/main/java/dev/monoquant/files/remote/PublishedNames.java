package dev.monoquant.files.remote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteLocation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of a folder that cannot be listed: those of the names under which models are published,
 * the shards that an index names, and the program that a configuration names.
 */
final class PublishedNames {

  private static final Logger LOG = LoggerFactory.getLogger(PublishedNames.class);

  private static final String INDEX = "model.safetensors.index.json";
  private static final String CONFIG = "config.json";

  /** As transformers, tokenizers and diffusers write them. */
  private static final List<String> NAMES =
      List.of(
          INDEX,
          "model.safetensors",
          CONFIG,
          "diffusion_pytorch_model.safetensors.index.json",
          "diffusion_pytorch_model.safetensors",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "tokenizer.model",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          "spiece.model",
          "sentencepiece.bpe.model",
          "chat_template.jinja",
          "chat_template.json",
          "preprocessor_config.json",
          "processor_config.json",
          "video_preprocessor_config.json",
          "image_processor_config.json",
          "modules.json",
          "sentence_bert_config.json",
          "1_Pooling/config.json",
          "README.md",
          "LICENSE",
          "LICENSE.txt",
          "NOTICE");

  /** Finds and reads files by name. */
  interface Lookup {
    Optional<RemoteFile> find(String name) throws IOException;

    int read(RemoteFile file, long offset, ByteBuffer into) throws IOException;
  }

  private final RemoteLocation location;
  private final Lookup folder;

  private PublishedNames(RemoteLocation location, Lookup folder) {
    this.location = location;
    this.folder = folder;
  }

  /** {@return the names of the files that are there} */
  static Set<String> in(RemoteLocation location, Lookup folder) throws IOException {
    return new PublishedNames(location, folder).names();
  }

  private Set<String> names() throws IOException {
    Set<String> there = new TreeSet<>();
    List<ModelFormatException> denied = new ArrayList<>();
    for (String name : NAMES) {
      look(name, there, denied);
    }
    for (String name : List.copyOf(there)) {
      if (name.endsWith(".index.json")) {
        for (String shard : shards(name)) {
          look(shard, there, denied);
        }
      }
    }
    for (String program : programs(there)) {
      look(program, there, denied);
    }
    // Stores that may not be listed deny what is not there.
    if (there.isEmpty() && !denied.isEmpty()) {
      throw denied.get(0);
    }
    for (ModelFormatException one : denied) {
      LOG.warn("taken as missing: {}", one.getMessage());
    }
    return there;
  }

  private void look(String name, Set<String> there, List<ModelFormatException> denied)
      throws IOException {
    try {
      if (RemoteFile.isName(name) && folder.find(name).isPresent()) {
        there.add(name);
      }
    } catch (ModelFormatException e) {
      // A server that cannot be reached does not answer for the next name either.
      if (e.getCause() instanceof IOException) {
        throw e;
      }
      denied.add(e);
    }
  }

  /** The shards that an index names. A file that is no index names none; its reader refuses it. */
  private Set<String> shards(String index) throws IOException {
    Set<String> shards = new TreeSet<>();
    if (json(index) instanceof JsonValue.Obj all
        && all.members().get("weight_map") instanceof JsonValue.Obj map) {
      for (JsonValue shard : map.members().values()) {
        if (shard instanceof JsonValue.Str name) {
          shards.add(name.value());
        }
      }
    }
    return shards;
  }

  /** The modules of {@code auto_map}, such as {@code modeling_x.XModel}: files of Python. */
  private Set<String> programs(Set<String> there) throws IOException {
    Set<String> programs = new TreeSet<>();
    if (there.contains(CONFIG)
        && json(CONFIG) instanceof JsonValue.Obj all
        && all.members().get("auto_map") instanceof JsonValue.Obj map) {
      for (JsonValue entry : map.members().values()) {
        if (entry instanceof JsonValue.Str text && text.value().indexOf('.') > 0) {
          programs.add(text.value().substring(0, text.value().indexOf('.')) + ".py");
        }
      }
    }
    return programs;
  }

  private Optional<JsonValue> parse(String name, ByteBuffer text) {
    try {
      return Optional.of(StrictJson.parse(text, JsonDialect.own(location.shown(name), "the file")));
    } catch (ModelFormatException other) {
      return Optional.empty();
    }
  }

  private JsonValue json(String name) throws IOException {
    RemoteFile file = folder.find(name).orElseThrow();
    long most = ReadLimits.DEFAULT.maxIndexBytes();
    if (file.size() > most) {
      throw new ModelFormatException(
          Reason.LIMIT,
          location.shown(name),
          "",
          "the file has "
              + file.size()
              + " bytes, at most "
              + most
              + " are read of a remote index or configuration. Fetch the model to this machine and"
              + " give that.");
    }
    ByteBuffer text = ByteBuffer.allocate(Math.toIntExact(file.size()));
    while (text.hasRemaining()) {
      folder.read(file, text.position(), text);
    }
    return parse(name, text.flip()).orElse(JsonValue.Literal.NULL);
  }
}
