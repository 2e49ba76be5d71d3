package dev.monoquant.io.checkpoint;

import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Path;

class ShardsContractTest extends CheckpointContract {

  @Override
  public ModelInput sample(Path folder) throws IOException {
    for (String name :
        new String[] {
          "pytorch_model-00001-of-00002.bin",
          "pytorch_model-00002-of-00002.bin",
          "pytorch_model.bin.index.json"
        }) {
      resource("/torch-corpus/sharded/sh_ok_bin_shards/" + name, folder);
    }
    return ModelInput.of(folder);
  }
}
