package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.output.Disk;
import dev.monoquant.io.foreign.Gptq;
import dev.monoquant.spi.OutputFormat;

/**
 * Writes a model directory of GPTQ, version 1, which vLLM, GPTQModel and transformers load. Its id
 * is {@code gptq}; no target is accepted by its name.
 *
 * <p>Integers of 2, 3, 4 or 8 bits, symmetric or not, with a scale for each row or group. For a
 * Linear {@code M} of (N, K) with b bits and G groups: {@code M.qweight} I32 (K b / 32, N), {@code
 * M.qzeros} I32 (G, N b / 32), {@code M.scales} (G, N) in the type of the weight, {@code M.g_idx}
 * I32 (K). All weights have the same bits and group. Weights whose sides are no multiples of 32, or
 * whose inputs are none of the group, stay in float.
 *
 * <p>What this does not do: it takes no calibration data; the codes are those of any scheme of
 * integers. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class GptqOutput extends DirectoryOutput {

  /** Made by the service loader. */
  public GptqOutput() {
    super(new GptqDirectory("gptq", Gptq.FIRST), Disk.REAL);
  }
}
