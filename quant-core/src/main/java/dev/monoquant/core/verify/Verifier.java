package dev.monoquant.core.verify;

import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OptionOwners;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.report.ErrorStatistics;
import dev.monoquant.core.report.Verification;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.run.KernelChoice;
import dev.monoquant.core.run.Meter;
import dev.monoquant.core.run.NotingSource;
import dev.monoquant.core.run.TensorPieces;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;

/** Verifies an output against its manifest and, if available, its original. */
public final class Verifier {

  private static final int PIECE = 64 << 10;

  private final Settings settings;
  private final ModelSource output;
  private final Audit audit;
  private final List<Problem> differences;
  private final Map<String, ErrorStatistics> errors = new LinkedHashMap<>();

  /** How tensors were scaled, which the original does not tell. */
  private Map<String, String> edits = Map.of();

  private Verifier(Settings settings, ModelSource output, Audit audit) {
    this.settings = settings;
    this.output = output;
    this.audit = audit;
    this.differences = new ArrayList<>(audit.differences());
  }

  public static Verification verify(Settings settings, Path path, Optional<ModelInput> against) {
    try (Opened opened = openOutput(settings, path)) {
      Audit audit =
          opened
              .source()
              .find(Auditable.class)
              .orElseThrow(
                  () ->
                      new ValidationException(
                          path
                              + ": it carries no manifest, so it cannot be verified. Outputs of quant"
                              + " do; compare others with their original: quant compare"
                              + opened.foreign().map(f -> ". It is quantized " + f).orElse("")))
              .audit();
      if (against.isEmpty()) {
        OptionOwners.requireKnown(settings, opened);
      }
      Verifier verifier = new Verifier(settings, opened.source(), audit);
      Kernels kernels = KernelChoice.of(settings, KernelChoice.numbers(opened.source().info()));
      opened
          .foreign()
          .ifPresent(f -> verifier.differs(path.toString(), "it holds quantization " + f));
      if (against.isEmpty()) {
        return BoundKernels.with(
            kernels,
            () -> {
              verifier.weights(Optional.empty(), Set.of());
              return verifier.result(path, "");
            });
      }
      try (Opened original = InputOpener.open(settings, against.get(), settings.inputOptions())) {
        OptionOwners.requireKnown(settings, opened, original);
        NotingSource noting = new NotingSource(original.source());
        ModelSource seen = OutputChoice.view(settings, opened.format(), noting);
        return BoundKernels.with(
            kernels,
            () -> {
              verifier.against(seen, noting);
              return verifier.result(path, against.get().describe());
            });
      }
    } catch (IOException e) {
      throw InputOpener.unreadable(ModelInput.of(path), e);
    }
  }

  /**
   * An unreadable output counts as a difference from what was written; only a missing file is not
   * an output.
   */
  private static Opened openOutput(Settings settings, Path path) {
    try {
      return InputOpener.open(settings, ModelInput.of(path), settings.inputOptions());
    } catch (ModelFormatException e) {
      if (e.reason() == Reason.UNREADABLE || e.reason() == Reason.LIMIT) {
        throw e;
      }
      throw new ValidationException(String.valueOf(e.getMessage()), e);
    }
  }

  private Verification result(Path path, String original) {
    return new Verification(
        path.toString(),
        original,
        audit.made(),
        audit.checked(),
        audit.bytes(),
        errors,
        edits,
        differences);
  }

  private void against(ModelSource original, NotingSource noting) throws IOException {
    edits = ScaledTensors.of(output.info());
    inputs(original.info().files());
    ModelSource floats = new DecodedSource(settings, original);
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    floats.info().tensors().forEach(t -> tensors.put(t.name(), t));
    Set<String> scaled = scaled(floats, noting);
    for (TensorInfo kept : output.info().tensors()) {
      TensorInfo other = tensors.remove(kept.name());
      if (other == null) {
        differs(kept.name(), "the original has no such tensor");
      } else if (other.type() != kept.type() || !other.shape().equals(kept.shape())) {
        differs(kept.name(), "it is " + text(kept) + ", the original's is " + text(other));
      } else if (!scaled.contains(kept.name())) {
        kept(floats, other, kept);
      }
    }
    output.info().quantized().forEach(w -> tensors.remove(w.name()));
    tensors.keySet().forEach(name -> differs(name, "the original's tensor is not there"));
    weights(Optional.of(floats), scaled);
  }

  /** The tensors that edits changed, by their names in the output, which may be others. */
  private Set<String> scaled(ModelSource floats, NotingSource noting) throws IOException {
    Set<String> scaled = new HashSet<>();
    if (!edits.isEmpty()) {
      for (TensorInfo tensor : floats.info().tensors()) {
        if (!Collections.disjoint(noting.behind(floats, tensor), edits.keySet())) {
          scaled.add(tensor.name());
        }
      }
    }
    return scaled;
  }

  private void kept(ModelSource floats, TensorInfo original, TensorInfo kept) throws IOException {
    TensorPieces pieces = new TensorPieces(floats, original, PIECE);
    TileBuffers buffers = new TileBuffers();
    long[] first = {Long.MAX_VALUE};
    for (long i = 0; i < pieces.count(); i++) {
      pieces.read(
          i,
          buffers,
          (at, data) -> {
            int mismatch = data.mismatch(output.read(kept, at, data.remaining()));
            if (mismatch >= 0) {
              first[0] = Math.min(first[0], at + mismatch);
            }
          });
      if (first[0] < Long.MAX_VALUE && pieces.inOrder()) {
        break;
      }
    }
    if (first[0] < Long.MAX_VALUE) {
      differs(kept.name(), "its bytes are not the original's from byte " + first[0] + " on");
    }
  }

  private void weights(Optional<ModelSource> original, Set<String> scaled) throws IOException {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    original.ifPresent(o -> o.info().tensors().forEach(t -> tensors.put(t.name(), t)));
    long total =
        output.info().quantized().stream().mapToLong(w -> w.matrix().tensor().bytes()).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.PROCESSING, total);
    RecordedStage.run(
        Progress.Stage.PROCESSING,
        output.info().name(),
        total,
        () -> weights(original, scaled, tensors, meter));
  }

  private void weights(
      Optional<ModelSource> original,
      Set<String> scaled,
      Map<String, TensorInfo> tensors,
      Meter meter)
      throws IOException {
    for (EncodedWeight weight : output.info().quantized()) {
      TensorInfo other = tensors.get(weight.name());
      if (original.isPresent()
          && (other == null
              || !other.type().isQuantizable()
              || !other.shape().equals(weight.matrix().tensor().shape()))) {
        differs(
            weight.name(),
            other == null
                ? "the original has no such tensor"
                : "it stands for "
                    + text(weight.matrix().tensor())
                    + ", the original's is "
                    + text(other));
        continue;
      }
      boolean measured = original.isPresent() && !scaled.contains(weight.name());
      try {
        VerifiedWeight run =
            new VerifiedWeight(
                settings, output, weight, measured ? original : Optional.empty(), other, clamps());
        Optional<String> fault = run.run();
        fault.ifPresent(f -> differs(weight.name(), f));
        if (measured) {
          errors.put(weight.name(), run.errors());
        }
      } catch (ConfigurationException | PluginException | ModelFormatException e) {
        requireDamage(weight, e);
      }
      meter.add(weight.matrix().tensor().bytes(), weight.name());
    }
  }

  /**
   * A changed description may name a scheme, option or formula that there is not. In an output
   * whose hashes are right, the same is what it says, such as that a plugin is missing.
   */
  private void requireDamage(EncodedWeight weight, QuantException e) {
    if (audit.differences().isEmpty()) {
      throw e;
    }
    differs(weight.name(), "what describes it cannot be followed: " + e.getMessage());
  }

  /** Whether NaN and infinities were replaced when the output was made. */
  private boolean clamps() {
    try {
      var config =
          JsonParser.parseString(audit.made().getOrDefault(ProvenanceText.CONFIGURATION, "{}"));
      return config.isJsonObject()
          && config.getAsJsonObject().has("non_finite")
          && config.getAsJsonObject().get("non_finite").isJsonPrimitive()
          && config
              .getAsJsonObject()
              .get("non_finite")
              .getAsString()
              .equals(NonFinitePolicy.CLAMP.wire());
    } catch (JsonParseException e) {
      return false;
    }
  }

  /** Compares the given files by content: they may have been renamed. */
  private void inputs(List<Path> files) throws IOException {
    HashKind kind = HashKind.parse(audit.hashKind()).orElse(HashKind.NONE);
    if (audit.inputs().isEmpty() || kind == HashKind.NONE) {
      return;
    }
    List<Future<String>> hashes = new ArrayList<>();
    List<String> found = new ArrayList<>();
    try (HashPool pool = new HashPool()) {
      for (Path file : files) {
        hashes.add(pool.submit(kind, file, Files.size(file)));
      }
      for (Future<String> hash : hashes) {
        found.add(HashPool.await(hash));
      }
    }
    audit
        .inputs()
        .forEach(
            (name, hash) -> {
              if (!found.contains(hash)) {
                differs(
                    "input " + name,
                    "no file of the original has the "
                        + kind.noun()
                        + " "
                        + hash
                        + " of this input");
              }
            });
    for (int i = 0; i < files.size(); i++) {
      if (!audit.inputs().containsValue(found.get(i))) {
        differs(
            files.get(i).toString(),
            "its "
                + kind.noun()
                + " is "
                + found.get(i)
                + ", that of none of the files the output was made of");
      }
    }
  }

  private static String text(TensorInfo tensor) {
    return tensor.type().wire() + " " + tensor.shape();
  }

  private void differs(String subject, String message) {
    differences.add(Problem.error(subject, message, ""));
  }
}
