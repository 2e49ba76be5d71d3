package dev.monoquant.core.trial;

import dev.monoquant.core.control.EngineStart;
import dev.monoquant.core.settings.Settings;

/** Creates the runner that the settings select. */
public final class ModelRunners {

  private ModelRunners() {}

  /**
   * {@return a runner; the caller closes it}
   *
   * @throws dev.monoquant.QuantException if the engine, or the child, does not start
   */
  public static ModelRunner start(Settings settings) {
    if (settings.modelRuns().inChild()) {
      return ChildRunner.start(settings);
    }
    EngineStart.require();
    return new ModelRunner.InProcess(settings);
  }
}
