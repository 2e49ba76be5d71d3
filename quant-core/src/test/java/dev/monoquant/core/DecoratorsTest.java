package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.store.RetainedSource;
import dev.monoquant.core.store.StoredModel;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SideFile;
import dev.monoquant.testkit.fakes.Failures;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.watch.Watch;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** A source in front of another one changes what it means to change, and loses nothing. */
class DecoratorsTest {

  private static MemoryModel model(Random random) {
    MemoryModel.Builder model = MemoryModel.named("origin" + random.nextInt());
    int tensors = 2 + random.nextInt(6);
    for (int i = 0; i < tensors; i++) {
      model.sines("l" + i + ".weight", 4, 8);
      if (i > 0 && random.nextBoolean()) {
        model.tie("l" + i + ".weight", "l0.weight");
      }
    }
    if (random.nextBoolean()) {
      model.layer(new Layer("none", LayerKind.UNKNOWN, Layer.Evidence.DECLARED, Map.of()));
    }
    return model
        .metadata(Map.of("key", String.valueOf(random.nextInt())))
        .note("note " + random.nextInt())
        .sideFiles(List.of(new SideFile("side" + random.nextInt(), Path.of("side"))))
        .files(List.of(Path.of("file" + random.nextInt())))
        .build();
  }

  @Property(tries = 50)
  void everyDecoratorKeepsWhatItDoesNotChange(@ForAll Random random) throws Exception {
    MemoryModel model = model(random);
    MemoryFormat format = new MemoryFormat(model);
    Settings settings =
        Settings.defaults()
            .withPlugins(Plugins.of(format, new FakeScheme(), new FakeLayers("fake")));
    Watch watch = new Watch();
    try (ModelSource origin = model.open()) {
      keeps(origin, new ForwardingSource(origin), Set.of());
      keeps(origin, opened(watch.input(format), model), Set.of());
      keeps(origin, opened(Failures.reading(format, 9), model), Set.of());
      keeps(origin, new DecodedSource(settings, origin), Set.of());
      QuantizationConfig config = QuantizationConfig.builder().scheme("fake").build();
      Set<String> changed = Set.of("tensors", "quantized", "layers");
      try (StoredModel stored = (StoredModel) Stages.quantize(settings, model.input(), config)) {
        Plan plan = stored.report().plan();
        keeps(origin, stored.source(), changed);
        keeps(origin, new RetainedSource(stored.source(), origin, plan), changed);
        keeps(
            origin,
            new DecodedSource(settings, new RetainedSource(stored.source(), origin, plan)),
            changed);
      }
    }
  }

  private static ModelSource opened(InputFormatDetector format, MemoryModel model)
      throws IOException {
    return format.open(model.input(), ReadLimits.DEFAULT);
  }

  private static void keeps(ModelSource origin, ModelSource decorated, Set<String> changed)
      throws ReflectiveOperationException {
    for (RecordComponent part : ModelInfo.class.getRecordComponents()) {
      if (!changed.contains(part.getName())) {
        assertThat(part.getAccessor().invoke(decorated.info()))
            .as("%s of %s", part.getName(), decorated.getClass())
            .isEqualTo(part.getAccessor().invoke(origin.info()));
      }
    }
  }
}
