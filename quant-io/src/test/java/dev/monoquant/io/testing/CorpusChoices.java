package dev.monoquant.io.testing;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the manifest of a corpus leaves a choice: ours, and why, in {@code choices.json}. */
public final class CorpusChoices {

  private final JsonObject choices;

  private CorpusChoices(JsonObject choices) {
    this.choices = choices;
  }

  /** {@return the choices beside a manifest} */
  public static CorpusChoices in(Path corpus) {
    try {
      String text = Files.readString(corpus.resolve("choices.json"));
      return new CorpusChoices(JsonParser.parseString(text).getAsJsonObject());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return whether there is a choice about that file} */
  public boolean isListed(String id) {
    return choices.has(id);
  }

  /** {@return whether that file is to be read} */
  public boolean accept(String id, boolean otherwise) {
    return isListed(id)
        ? choices.getAsJsonObject(id).get("outcome").getAsString().equals("accept")
        : otherwise;
  }
}
