package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.output.Disk;
import dev.monoquant.spi.OutputFormat;

/**
 * Writes a model directory of bitsandbytes in NF4, which transformers loads with that library. Its
 * id is {@code bitsandbytes}; no target is accepted by its name.
 *
 * <p>For a Linear {@code M} of (N, K) of scheme {@code nf4} with blocks of B: {@code M.weight} U8
 * (N K / 2, 1), {@code M.weight.absmax} F32 (N K / B), {@code M.weight.quant_map} F32 (16), {@code
 * M.weight.quant_state.bitsandbytes__nf4} U8. Weights whose inputs are no multiple of the block and
 * the experts of mixtures stay in float, and {@code llm_int8_skip_modules} names them.
 *
 * <p>What this does not do: it writes no double quantization, no FP4 and no 8 bits of bitsandbytes.
 * Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class BitsAndBytesOutput extends DirectoryOutput {

  /** Made by the service loader. */
  public BitsAndBytesOutput() {
    super(new BitsAndBytesDirectory(), Disk.REAL);
  }
}
