package dev.monoquant.io.exported;

import com.google.auto.service.AutoService;
import dev.monoquant.files.torch.TorchProbe;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Reads archives of {@code torch.export.save} ({@code .pt2}), recognised by their content:
 * parameters and persistent buffers with their names in the state dict, the names that share
 * memory, and the kinds of layers from the classes in the graph.
 *
 * <p>The archive, its entries below one folder:
 *
 * <pre>
 * FOLDER/archive_format                           pt2
 * FOLDER/archive_version                          0
 * FOLDER/byteorder                                little
 * FOLDER/.data/version                            as in archives of torch.save
 * FOLDER/models/NAME.json                         the graph
 * FOLDER/data/weights/NAME_weights_config.json    name -&gt; record, type, sizes, strides, offset
 * FOLDER/data/weights/weight_0                    the bytes of a storage, little-endian
 * FOLDER/data/constants/NAME_constants_config.json, tensor_0    constants, in the same form
 * </pre>
 *
 * <p>Several names may be views of one record. If an archive holds several models, {@link
 * dev.monoquant.spi.ReadChoices#entry} names one. Constants and buffers that are not persistent are
 * not in a state dict; they are counted in a note.
 *
 * <p>A file whose name ends as those of other formats do, such as {@code model.pt}, is read only if
 * the user names this format.
 *
 * <p>What this does not do: it executes nothing and unpickles nothing. It refuses weights that are
 * stored as pickles (tensor subclasses, archives of PyTorch before 2.9), sparse tensors, weights
 * that were exported without values, and packages that hold only compiled code. No output is a
 * {@code .pt2}. Stateless and thread-safe. Source: {@code torch/export/pt2_archive/_package.py} and
 * {@code torch/_export/serde/schema.py} of torch 2.13.
 */
@AutoService(InputFormatDetector.class)
public final class ExportedProgramFormat implements InputFormatDetector {

  /** The id of this format. */
  static final String ID = "torch-export";

  /** Endings that promise another format; loaders that go by the name take them for it. */
  private static final List<String> OTHER_NAMES =
      List.of(".pt", ".pth", ".bin", ".ckpt", ".safetensors");

  /** Made by the service loader. */
  public ExportedProgramFormat() {}

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath of)
        || !Files.isRegularFile(of.path())
        || OTHER_NAMES.stream().anyMatch(lowerCase(of.path())::endsWith)) {
      return Match.NONE;
    }
    try {
      return looks(of.path()) ? Match.CERTAIN : Match.NONE;
    } catch (IOException | SecurityException unreadable) {
      return Match.NONE;
    }
  }

  private static String lowerCase(Path path) {
    return path.toString().toLowerCase(Locale.ROOT);
  }

  private static boolean looks(Path path) throws IOException {
    return TorchProbe.look(TorchProbe.Ends.read(path)) == TorchProbe.Look.EXPORTED;
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    if (!(input instanceof ModelInput.OfPath of)) {
      throw new IllegalArgumentException(input.describe() + " is no file");
    }
    return ExportedReader.open(of.path(), input.describe(), of.choices(), limits);
  }
}
