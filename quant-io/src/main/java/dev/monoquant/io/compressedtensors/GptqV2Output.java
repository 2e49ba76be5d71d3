package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.output.Disk;
import dev.monoquant.io.foreign.Gptq;
import dev.monoquant.spi.OutputFormat;

/**
 * Writes a model directory of GPTQ, version 2: as {@link GptqOutput}, with zero points as they are
 * instead of less 1. Its id is {@code gptq-v2}; no target is accepted by its name. Stateless and
 * thread-safe.
 */
@AutoService(OutputFormat.class)
public final class GptqV2Output extends DirectoryOutput {

  /** Made by the service loader. */
  public GptqV2Output() {
    super(new GptqDirectory("gptq-v2", Gptq.SECOND), Disk.REAL);
  }
}
