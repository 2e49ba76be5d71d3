package dev.monoquant.io.tokenizer;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.gguf.GgufLayout.Value;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.JsonValue.Arr;
import dev.monoquant.files.json.JsonValue.Literal;
import dev.monoquant.files.json.JsonValue.Obj;
import dev.monoquant.files.json.JsonValue.Str;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The tokenizer of a model directory as metadata of a GGUF file: {@code tokenizer.json}, {@code
 * tokenizer.model} or {@code vocab.txt}, with {@code tokenizer_config.json} and chat templates.
 *
 * <p>What this does not do: it encodes no text; rules of normalization that ggml does not have are
 * left out.
 *
 * @param metadata the values, in order
 * @param notes what the user should know
 */
public record Tokenizer(List<Value> metadata, List<String> notes) {

  private static final String TEMPLATE = "tokenizer.chat_template";

  /** Estimated memory of a token that only fills a row of the embedding. */
  private static final int TOKEN = 112;

  /** Copies the lists. */
  public Tokenizer {
    metadata = List.copyOf(metadata);
    notes = List.copyOf(notes);
  }

  /**
   * Reads the tokenizer beside a model.
   *
   * @param sides the files beside the model
   * @param architecture the architecture in the words of llama.cpp, such as {@code llama}
   * @param rows the rows of the embedding: there are as many tokens
   * @param model the objects of config.json with ids, that of the language model first
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the metadata
   * @throws IOException if a file cannot be read
   * @throws ModelFormatException if a file is damaged or does not fit to the model
   */
  public static Tokenizer of(
      List<SideFile> sides, String architecture, long rows, List<Obj> model, ReadLimits limits)
      throws IOException {
    TokenizerFiles files = new TokenizerFiles(sides, limits);
    if (rows > files.maxParsedBytes() / TOKEN) {
      throw new ModelFormatException(
          Reason.LIMIT,
          "config.json",
          "",
          "the embedding has "
              + rows
              + " rows, and tokens for them would take more than "
              + files.maxParsedBytes()
              + " bytes of memory (limit maxParsedBytes). Raise the limit if the model can be"
              + " trusted.");
    }
    Optional<JsonValue> root = files.json(VocabularyReader.JSON);
    Optional<TokenizerJson> json =
        root.map(value -> TokenizerJson.of(value, files.label(VocabularyReader.JSON)));
    Optional<Obj> config = files.object(VocabularyReader.CONFIG);
    Vocabulary vocabulary =
        new VocabularyReader(files, architecture, Math.toIntExact(rows), json, config).read();
    SpecialTokens special = new SpecialTokens(vocabulary, json, config, model);
    List<Value> values = new ArrayList<>(vocabulary.metadata());
    values.addAll(special.metadata());
    config
        .flatMap(c -> c.find("add_prefix_space"))
        .filter(flag -> flag == Literal.TRUE || flag == Literal.FALSE)
        .ifPresent(
            flag -> values.add(Value.of("tokenizer.ggml.add_space_prefix", flag == Literal.TRUE)));
    json.flatMap(j -> j.part("normalizer")).ifPresent(n -> normalizer(n, values, 0));
    values.addAll(templates(files, config));
    List<String> notes = new ArrayList<>(vocabulary.notes());
    notes.addAll(special.notes());
    return new Tokenizer(values, notes);
  }

  /** The rules of normalization that ggml has. */
  private static void normalizer(Obj normalizer, List<Value> values, int depth) {
    switch (normalizer.text("type").orElse("")) {
      case "Lowercase" -> values.add(Value.of("tokenizer.ggml.normalizer.lowercase", true));
      case "StripAccents" -> values.add(Value.of("tokenizer.ggml.normalizer.strip_accents", true));
      case "BertNormalizer" -> {
        for (String rule : List.of("lowercase", "strip_accents")) {
          JsonValue value = normalizer.find(rule).orElse(Literal.NULL);
          if (value == Literal.TRUE || value == Literal.FALSE) {
            values.add(Value.of("tokenizer.ggml.normalizer." + rule, value == Literal.TRUE));
          }
        }
      }
      case "Sequence" -> {
        if (depth < 4 && normalizer.find("normalizers").orElse(Literal.NULL) instanceof Arr all) {
          for (JsonValue item : all.items()) {
            if (item instanceof Obj one) {
              normalizer(one, values, depth + 1);
            }
          }
        }
      }
      default -> {
        // ggml does not have it.
      }
    }
  }

  private static List<Value> templates(TokenizerFiles files, Optional<Obj> config)
      throws IOException {
    List<Value> values = new ArrayList<>();
    JsonValue own = config.flatMap(c -> c.find("chat_template")).orElse(Literal.NULL);
    if (own == Literal.NULL) {
      Optional<String> text = files.text("chat_template.jinja");
      own =
          text.isPresent()
              ? new Str(text.get())
              : files
                  .object("chat_template.json")
                  .flatMap(o -> o.find("chat_template"))
                  .orElse(Literal.NULL);
    }
    if (own instanceof Str text) {
      values.add(Value.of(TEMPLATE, text.value()));
    } else if (own instanceof Arr named) {
      List<String> names = new ArrayList<>();
      for (JsonValue item : named.items()) {
        if (item instanceof Obj one && one.text("template").isPresent()) {
          String name = one.text("name").orElse("default");
          String text = one.text("template").orElseThrow();
          if (name.equals("default")) {
            values.add(Value.of(TEMPLATE, text));
          } else if (!names.contains(name)) {
            names.add(name);
            values.add(Value.of(TEMPLATE + "." + name, text));
          }
        }
      }
      if (!names.isEmpty()) {
        values.add(Value.of("tokenizer.chat_templates", names));
      }
    }
    return values;
  }
}
