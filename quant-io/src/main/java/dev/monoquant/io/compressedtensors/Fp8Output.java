package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.output.Disk;
import dev.monoquant.spi.OutputFormat;

/**
 * Writes a model directory in the layout of DeepSeek V3 ({@code quant_method: fp8}): codes in FP8
 * (E4M3) with a scale in F32 for each block, which vLLM and transformers load. Its id is {@code
 * fp8}; no target is accepted by its name.
 *
 * <p>For a Linear {@code M}: {@code M.weight} F8_E4M3 (outputs, inputs) and {@code
 * M.weight_scale_inv} F32, one for each block of 128 x 128, by which a code is multiplied. Scales
 * of the weight's own type are exact in F32. Weights whose sides are not multiples of the block
 * stay in float, and {@code modules_to_not_convert} names them.
 *
 * <p>What this does not do: it writes no scales for the whole tensor or rows, no E5M2, no scales of
 * activations or of the KV cache. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class Fp8Output extends DirectoryOutput {

  /** Made by the service loader. */
  public Fp8Output() {
    super(new Fp8Directory(), Disk.REAL);
  }

  @Override
  public boolean holdsActivations() {
    return true;
  }
}
