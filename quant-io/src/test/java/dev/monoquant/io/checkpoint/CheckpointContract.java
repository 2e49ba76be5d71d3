package dev.monoquant.io.checkpoint;

import dev.monoquant.files.testing.PickleText;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract of every detector, for each form of checkpoint. */
abstract class CheckpointContract implements InputFormatDetectorContract {

  @Override
  public InputFormatDetector subject() {
    return new TorchCheckpointFormat();
  }

  static byte[] archive(boolean checksums) {
    byte[] pickle =
        new PickleText()
            .op('}')
            .op('(')
            .text("w")
            .tensor("Float", "0", 6, 0, new long[] {3, 2}, new long[] {1, 3})
            .text("b")
            .tensor("Float", "0", 6, 1, new long[] {2}, new long[] {1})
            .text("h")
            .tensor("BFloat16", "1", 2, 0, new long[] {2}, new long[] {1})
            .op('u')
            .stop();
    byte[] floats = new byte[24];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (byte) (i * 7);
    }
    ZipText zip = ZipText.checkpoint(pickle, floats, new byte[] {1, 2, 3, 4});
    return (checksums ? zip : zip.withoutChecksums()).build();
  }

  static Path resource(String name, Path folder) throws IOException {
    try (var in = CheckpointContract.class.getResourceAsStream(name)) {
      Path to = folder.resolve(name.substring(name.lastIndexOf('/') + 1));
      Files.write(to, in.readAllBytes());
      return to;
    }
  }
}
