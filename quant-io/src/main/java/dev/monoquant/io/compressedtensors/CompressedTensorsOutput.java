package dev.monoquant.io.compressedtensors;

import com.google.auto.service.AutoService;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.Disk;
import dev.monoquant.files.output.OutputTarget;
import dev.monoquant.spi.OutputFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Writes a model directory that compressed-tensors (as of ac8e2ba), vLLM and transformers load.
 *
 * <p>Files: the shards under their own names ({@code model.safetensors} if there is one), each with
 * the bytes of {@code SafetensorsLayout}; {@code model.safetensors.index.json} if there are
 * several; every side file byte for byte; {@code config.json} with its keys sorted and {@code
 * quantization_config} added; {@code monoquant-manifest.json}, see {@link Manifest}. If nothing is
 * quantized, the directory has no {@code quantization_config}.
 *
 * <p>The form of a weight follows from its parts and from the activations of its layer: integers of
 * 2 to 8 bits are {@code pack-quantized}, or {@code int-quantized} if inputs are also quantized;
 * FP8 is {@code naive-quantized} or {@code float-quantized}; MXFP4, MXFP8 and NVFP4 have one form
 * each. The classes of the forms draw their bytes. A directory with several forms is {@code
 * mixed-precision}.
 *
 * <p>{@code ignore} names every layer left unquantized that a loader could treat as a quantized
 * Linear. The same contents and data give the same bytes. What this does not do: it measures no
 * scales of activations, and writes no 2:4 sparsity, no FP6 and no E5M2. Stateless and thread-safe.
 */
@AutoService(OutputFormat.class)
public final class CompressedTensorsOutput extends DirectoryOutput {

  /** Made by the service loader. */
  public CompressedTensorsOutput() {
    this(Disk.REAL);
  }

  CompressedTensorsOutput(Disk disk) {
    super(new CompressedTensorsDirectory(), disk);
  }

  @Override
  public boolean accepts(Path target) {
    return OutputTarget.isNamedAsDirectory(target)
        || (Files.isDirectory(target) && !isOther(target));
  }

  /** Whether a directory is an output of another format, which would also accept its name. */
  private static boolean isOther(Path directory) {
    if (!Files.exists(directory.resolve(Manifest.FILE))) {
      return false;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.noneMatch(f -> f.toString().endsWith(".safetensors"));
    } catch (IOException unreadable) {
      return false;
    }
  }

  @Override
  public boolean holdsActivations() {
    return true;
  }
}
