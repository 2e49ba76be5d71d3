package dev.monoquant.io.torchscript;

import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.Observers;
import dev.monoquant.script.Rewriter;
import dev.monoquant.spi.ObservableModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes an archive so that its weights observe their inputs. */
final class ObservableScript implements ObservableModel {

  private final ScriptArchive archive;
  private final Rewriter rewriter;
  private final List<Input> inputs = new ArrayList<>();
  private final Map<String, String> unobserved = new LinkedHashMap<>();

  /**
   * @param archive the archive; its code must be understood
   * @param layers its layers
   */
  ObservableScript(ScriptArchive archive, List<Layer> layers) {
    this.archive = archive;
    this.rewriter = archive.script().rewriter();
    for (Layer layer : layers) {
      for (TensorInfo tensor : layer.tensors().values()) {
        rewriter.observed(tensor).ifPresent(inputs::add);
        if (tensor.shape().rank() > 1) {
          rewriter.unobserved(tensor).ifPresent(why -> unobserved.put(tensor.name(), why));
        }
      }
    }
  }

  @Override
  public List<Input> inputs() {
    return List.copyOf(inputs);
  }

  @Override
  public Map<String, String> unobserved() {
    return Collections.unmodifiableMap(unobserved);
  }

  @Override
  public Map<String, String> write(List<Request> requests, Path file) throws IOException {
    Observers observers = rewriter.observe(requests);
    ProgramCopy.write(archive, observers.program(), file);
    return observers.prefixes();
  }
}
