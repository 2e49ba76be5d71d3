package com.example.flat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Matrices of float32 in a file of one's own, all little-endian:
 *
 * <pre>
 * "FLATMATS"                                  8 bytes
 * number of matrices                          int32
 * for each: length of its name in bytes       int32
 *           its name                          UTF-8
 *           rows, columns                     int32, int32
 * the numbers of each in the same order       float32
 * </pre>
 *
 * <p>Old writers put the columns before the rows, and nothing in the file tells: whoever has such a
 * file says {@code --option sizes=columns-rows}.
 */
public final class FlatFormat implements InputFormatDetector {

  static final byte[] MAGIC = "FLATMATS".getBytes(StandardCharsets.US_ASCII);

  static final String COLUMNS_FIRST = "columns-rows";

  static final OptionSpec<String> SIZES =
      OptionSpec.choice(
          "sizes",
          "rows-columns",
          List.of("rows-columns", COLUMNS_FIRST),
          "The order in which a file has the two sizes of a matrix");

  @Override
  public String id() {
    return "example/flat";
  }

  /** Reads eight bytes and never throws: an unreadable file is not of this format. */
  @Override
  public Match probe(ModelInput input) {
    if (!(input instanceof ModelInput.OfPath file) || !Files.isRegularFile(file.path())) {
      return Match.NONE;
    }
    try (InputStream in = Files.newInputStream(file.path())) {
      return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC) ? Match.CERTAIN : Match.NONE;
    } catch (IOException e) {
      return Match.NONE;
    }
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(SIZES);
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
    return open(input, limits, OptionValues.DEFAULTS);
  }

  @Override
  public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
      throws IOException {
    if (!(input instanceof ModelInput.OfPath file)) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT, input.describe(), "", "it is no file");
    }
    boolean columnsFirst = options.get(SIZES).equals(COLUMNS_FIRST);
    Path path = file.path();
    return ModelSource.ofFile(path, FlatHeader.read(path, limits, columnsFirst));
  }
}
