package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.output.Disk;
import dev.monoquant.spi.OutputFormat;

/**
 * Writes a model directory of AWQ for the GEMM kernel, which vLLM, GPTQModel and transformers load.
 * Its id is {@code awq}; no target is accepted by its name.
 *
 * <p>Integers of 4 bits, symmetric or not, with a scale for each group of inputs. For a Linear
 * {@code M} of (N, K) with G groups: {@code M.qweight} I32 (K, N / 8), {@code M.qzeros} I32 (G, N /
 * 8), {@code M.scales} (G, N) in the type of the weight. Weights whose outputs are no multiple of
 * 8, or whose inputs are none of the group, stay in float, and {@code modules_to_not_convert} names
 * them.
 *
 * <p>What this does not do: it scales no channels by activations; the codes are those of any scheme
 * of integers. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class AwqOutput extends DirectoryOutput {

  /** Made by the service loader. */
  public AwqOutput() {
    super(new AwqDirectory(), Disk.REAL);
  }
}
