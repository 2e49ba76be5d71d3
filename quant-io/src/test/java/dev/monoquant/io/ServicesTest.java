package dev.monoquant.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.GgufArchitecture;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.spi.ScaleMapping;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Plugins are found on the class path and on the module path, and they are the same. */
class ServicesTest {

  @Test
  void providesAndMetaInfServicesAgree() throws IOException {
    Map<String, Set<String>> provided = new TreeMap<>();
    for (ModuleDescriptor.Provides p : descriptor().provides()) {
      provided.put(p.service(), new TreeSet<>(p.providers()));
    }
    Map<String, Set<String>> services = new TreeMap<>();
    for (Class<?> service :
        new Class<?>[] {
          CalibrationReader.class,
          GgufArchitecture.class,
          InputFormatDetector.class,
          OutputFormat.class,
          RemoteStore.class,
          ScaleMapping.class
        }) {
      services.put(service.getName(), services(service.getName()));
    }
    assertThat(provided).isEqualTo(services);
    assertThat(services.get(OutputFormat.class.getName())).hasSize(11);
  }

  private static ModuleDescriptor descriptor() throws IOException {
    var resources = ServicesTest.class.getClassLoader().getResources("module-info.class");
    while (resources.hasMoreElements()) {
      try (InputStream in = resources.nextElement().openStream()) {
        ModuleDescriptor descriptor = ModuleDescriptor.read(in);
        if (descriptor.name().equals("dev.monoquant.io")) {
          return descriptor;
        }
      }
    }
    throw new AssertionError("no module dev.monoquant.io on the class path");
  }

  private static Set<String> services(String service) throws IOException {
    Set<String> names = new TreeSet<>();
    var resources =
        ServicesTest.class.getClassLoader().getResources("META-INF/services/" + service);
    while (resources.hasMoreElements()) {
      try (InputStream in = resources.nextElement().openStream()) {
        String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        text.lines().filter(l -> l.startsWith("dev.monoquant.io.")).forEach(names::add);
      }
    }
    return names;
  }
}
