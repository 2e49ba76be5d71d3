package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.model.ModelConfig;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the files that vLLM and transformers need besides tensors, and refuses models that they
 * never load: adapters, parts of diffusers pipelines, files in Mistral's own format.
 *
 * <p>For a single file, the configuration and tokenizer beside it are included. Live models have
 * neither, so their output has neither.
 */
final class LoaderInput {

  private static final String ADAPTER = "adapter_config.json";
  private static final String FILE_INSTEAD =
      " An output named *.safetensors holds its tensors for programs of your own.";

  /** Files beside the weights in published models, except those that start with tokenizer. */
  private static final Set<String> COMPANIONS =
      Set.of(
          ModelConfig.FILE,
          "generation_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          "spiece.model",
          "sentencepiece.bpe.model",
          "preprocessor_config.json",
          "processor_config.json",
          "image_processor_config.json",
          "video_preprocessor_config.json",
          "feature_extractor_config.json",
          "chat_template.json",
          "chat_template.jinja");

  private LoaderInput() {}

  /**
   * {@return the model with all side files that loaders need}
   *
   * @param info a model
   * @throws IOException if a directory cannot be listed, or a configuration cannot be read
   * @throws ModelFormatException if no loader accepts it; the message says why and what to do
   */
  static ModelInfo of(ModelInfo info) throws IOException {
    requireLoadable(info);
    if (!isSingleFile(info)) {
      return info;
    }
    ModelInfo whole = withCompanions(info);
    requireLoadable(whole);
    return whole;
  }

  private static void requireLoadable(ModelInfo info) throws IOException {
    Optional<String> refusal = refusal(info, ModelConfig.of(info.sideFiles(), ReadLimits.DEFAULT));
    if (refusal.isPresent()) {
      throw refused(info, refusal.get());
    }
  }

  private static ModelFormatException refused(ModelInfo info, String why) {
    return new ModelFormatException(
        Reason.NOT_THIS_FORMAT,
        info.name(),
        "",
        "a directory for vLLM and transformers cannot be made of it: " + why);
  }

  /**
   * Refuses a single file that has no configuration beside it.
   *
   * @throws ModelFormatException if there is none; the message says what to do
   */
  static void requireConfig(ModelInfo info) {
    if (isSingleFile(info) && !has(info, ModelConfig.FILE)) {
      throw refused(
          info,
          "they need "
              + ModelConfig.FILE
              + ", and there is none beside the file. Put the one of the model there, or name the"
              + " output *.safetensors, which needs none.");
    }
  }

  /** {@return a note on a model directory that no loader can tell the architecture of} */
  static Optional<String> lacksConfig(ModelInfo info) {
    return info.files().isEmpty() || isSingleFile(info) || has(info, ModelConfig.FILE)
        ? Optional.empty()
        : Optional.of(
            "there is no "
                + ModelConfig.FILE
                + " in it, and the one of the output states the quantization alone: vLLM and"
                + " transformers cannot tell the architecture. Put the one of the model into the"
                + " input first, or name the output *.safetensors, which needs none");
  }

  private static Optional<String> refusal(ModelInfo info, ModelConfig config) {
    boolean lora = info.tensors().stream().anyMatch(LoaderInput::isLora);
    if (lora || has(info, ADAPTER) || holds(info, "adapter_model")) {
      return Optional.of(
          (has(info, ADAPTER) ? ADAPTER + " lies beside it: " : "")
              + "it is an adapter such as LoRA, or has one beside it, and PEFT loads none whose"
              + " weights are quantized. Merge the adapter into its base model first (PEFT's"
              + " merge_and_unload), and quantize the merged model; or remove the adapter.");
    }
    Optional<String> part = config.root().text("_class_name");
    boolean transformers = config.root().find("model_type").isPresent();
    if (!transformers && (part.isPresent() || holds(info, "diffusion_pytorch_model"))) {
      return Optional.of(
          "it is a part of a diffusers pipeline"
              + part.map(name -> " (" + quote(name) + ")").orElse("")
              + ", and diffusers does not read compressed-tensors."
              + FILE_INSTEAD);
    }
    if (holds(info, "consolidated")) {
      return Optional.of(
          "consolidated files are in Mistral's own format, which transformers does not read. Fetch"
              + " the version with model.safetensors and config.json."
              + FILE_INSTEAD);
    }
    return Optional.empty();
  }

  /** Whether a tensor has a PEFT name of a factor of LoRA or a similar method. */
  private static boolean isLora(TensorInfo tensor) {
    return tensor.name().contains(".lora_A.")
        || tensor.name().contains(".lora_B.")
        || tensor.name().endsWith(".lora_A")
        || tensor.name().endsWith(".lora_B")
        || tensor.name().contains(".lora_embedding_A");
  }

  private static boolean has(ModelInfo info, String side) {
    return info.sideFiles().stream().anyMatch(s -> s.name().equals(side));
  }

  /** Whether a file with tensors has a name that begins with the text. */
  private static boolean holds(ModelInfo info, String beginning) {
    return info.tensors().stream().anyMatch(t -> t.shard().startsWith(beginning))
        || (isSingleFile(info) && fileName(info.files().get(0)).startsWith(beginning));
  }

  private static boolean isSingleFile(ModelInfo info) {
    return info.files().size() == 1
        && info.tensors().stream().allMatch(t -> t.shard().isEmpty())
        && Files.isRegularFile(info.files().get(0));
  }

  private static ModelInfo withCompanions(ModelInfo info) throws IOException {
    Path file = info.files().get(0);
    List<SideFile> found = new ArrayList<>();
    try (Stream<Path> beside = Files.list(Locations.folder(file))) {
      beside
          .filter(p -> isCompanion(fileName(p)) && Files.isRegularFile(p))
          .forEach(p -> found.add(new SideFile(fileName(p), p)));
    }
    found.sort(Comparator.comparing(SideFile::name, JsonText.BY_CODE_POINT));
    if (found.isEmpty()) {
      return info;
    }
    List<String> notes = new ArrayList<>(info.notes());
    notes.add(
        "one file is to become a directory, so the model's files beside it are taken along: "
            + found.stream().map(SideFile::name).collect(Collectors.joining(", ")));
    return info.withSideFiles(found).withNotes(notes);
  }

  private static boolean isCompanion(String name) {
    return COMPANIONS.contains(name)
        || (name.startsWith("tokenizer") && !name.endsWith(".safetensors"));
  }

  private static String fileName(Path path) {
    Path name = path.getFileName();
    return name == null ? "" : name.toString();
  }
}
