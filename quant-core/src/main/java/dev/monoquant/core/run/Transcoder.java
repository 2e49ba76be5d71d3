package dev.monoquant.core.run;

import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Copies codes unchanged from one store to another; nothing is quantized again. */
public final class Transcoder {

  private final Settings settings;
  private final ModelSource source;
  private final OutputWriter sink;

  public Transcoder(Settings settings, ModelSource source, OutputWriter sink) {
    this.settings = settings;
    this.source = source;
    this.sink = sink;
  }

  /**
   * Copies all weights and tensors.
   *
   * @param written the weights as the sink declares them, in the order of the source
   */
  public void run(List<EncodedWeight> written) throws IOException {
    List<Workers.Job> jobs = new ArrayList<>();
    for (int i = 0; i < written.size(); i++) {
      EncodedWeight stored = source.info().quantized().get(i);
      EncodedWeight weight = written.get(i);
      int height = TileGrid.height(weight, settings.tileElements());
      int tiles = TileGrid.tiles(weight, height);
      for (int tile = 0; tile < tiles; tile++) {
        int index = tile;
        jobs.add(buffers -> move(stored, weight, index, height));
      }
    }
    new Workers(settings.threads(), source.info().name()).runAll(jobs);
    List<TensorInfo> kept = source.info().tensors();
    new Pipeline(settings).copy(source, kept, sink);
  }

  private void move(EncodedWeight stored, EncodedWeight weight, int index, int height)
      throws IOException {
    long first = (long) index * height;
    int rows = (int) Math.min(height, weight.matrix().rowCount() - first);
    EncodedTile tile = source.readTile(stored, new RowRange(first, rows));
    if (index == 0) {
      Map<String, byte[]> whole = new HashMap<>();
      for (Part part : weight.encoding().parts()) {
        if (!part.tiled()) {
          whole.put(part.name(), tile.part(part.name()));
        }
      }
      sink.writeWhole(weight, whole);
    }
    sink.writeTile(weight, tile);
  }
}
