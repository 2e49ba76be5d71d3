package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.output.Disk;
import dev.monoquant.spi.OutputFormat;

/**
 * Writes a model directory of ModelOpt in NVFP4. Its id is {@code modelopt}; no target is accepted
 * by its name.
 *
 * <p>For a Linear {@code M} of (N, K): {@code M.weight} U8 (N, K / 2), {@code M.weight_scale}
 * F8_E4M3 (N, K / 16), {@code M.weight_scale_2} F32 (). Its global scale is a factor, the
 * reciprocal of that of compressed-tensors, so that it is written by converting a directory.
 *
 * <p>What this does not do: it writes no scales of inputs, no FP8 and no other format of ModelOpt.
 * Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class ModelOptOutput extends DirectoryOutput {

  /** Made by the service loader. */
  public ModelOptOutput() {
    super(new ModelOptDirectory(), Disk.REAL);
  }
}
