package dev.monoquant.cli;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Provides;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What a module provides on the module path and on the class path is the same: there {@code
 * provides}, here {@code META-INF/services}.
 */
class ServicesTest {
  private static final String SERVICES = "META-INF/services/";

  @TestFactory
  Stream<DynamicTest> moduleAndClassPathProvideTheSame() throws IOException {
    List<ModuleReference> modules = ownModules();
    assertThat(modules).as("the modules of this project").hasSize(9);
    return modules.stream()
        .map(
            module ->
                DynamicTest.dynamicTest(
                    module.descriptor().name(),
                    () ->
                        assertThat(onTheClassPath(module))
                            .as(module.descriptor().name())
                            .isEqualTo(onTheModulePath(module.descriptor()))));
  }

  private static List<ModuleReference> ownModules() throws IOException {
    return Collections.list(ServicesTest.class.getClassLoader().getResources("module-info.class"))
        .stream()
        .flatMap(descriptor -> ModuleFinder.of(root(descriptor)).findAll().stream())
        .filter(module -> module.descriptor().name().startsWith("dev.monoquant."))
        .toList();
  }

  /** The jar or the directory in which a module descriptor lies. */
  private static Path root(URL descriptor) {
    try {
      return descriptor.openConnection() instanceof JarURLConnection jar
          ? Path.of(jar.getJarFileURL().toURI())
          : Path.of(descriptor.toURI()).getParent();
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException("cannot locate " + descriptor, e);
    }
  }

  private static Map<String, Set<String>> onTheModulePath(ModuleDescriptor module) {
    return new TreeMap<>(
        module.provides().stream()
            .collect(toMap(Provides::service, p -> new TreeSet<>(p.providers()))));
  }

  private static Map<String, Set<String>> onTheClassPath(ModuleReference module)
      throws IOException {
    try (ModuleReader reader = module.open();
        Stream<String> names = reader.list()) {
      return new TreeMap<>(
          names
              .filter(name -> name.startsWith(SERVICES) && !name.endsWith("/"))
              .collect(toMap(name -> name.substring(SERVICES.length()), n -> lines(reader, n))));
    }
  }

  private static Set<String> lines(ModuleReader reader, String name) {
    try (var in = reader.open(name).orElseThrow()) {
      return new TreeSet<>(new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
