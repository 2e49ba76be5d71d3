package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginsTest {

  /** Another class under the id of {@link FakeScheme}. */
  public static final class Impostor extends FakeScheme {}

  /** A provider that cannot be made. */
  public static final class Broken extends FakeScheme {
    /** Fails. */
    public Broken() {
      throw new IllegalStateException("no luck");
    }
  }

  /** A provider whose id is not one. */
  public static final class BadlyNamed implements dev.monoquant.spi.LayerQuantizer {
    @Override
    public String id() {
      return "Not An Id";
    }

    @Override
    public java.util.List<dev.monoquant.model.WeightMatrix> weights(
        dev.monoquant.model.Layer layer) {
      return java.util.List.of();
    }
  }

  @Test
  void anUnknownIdListsWhatThereIsAndTheNearest() {
    Plugins plugins = Plugins.of(new FakeScheme());
    assertThatThrownBy(() -> plugins.scheme("fakr"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no scheme \"fakr\"; did you mean fake?")
        .hasMessageContaining("Available: fake. A plugin comes with its jar")
        .hasMessageContaining("--plugin");
  }

  @Test
  void aDuplicateIdNamesBothClassesAndTheirOrigins() {
    Plugins plugins = Plugins.of(new FakeScheme(), new Impostor());
    assertThatThrownBy(() -> plugins.scheme("fake"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(FakeScheme.class.getName() + " in test-classes")
        .hasMessageContaining(Impostor.class.getName() + " in test-classes");
    assertThat(plugins.problems()).hasSize(1);
  }

  @Test
  void anObjectThatIsNoPluginIsRefused() {
    assertThatThrownBy(() -> Plugins.of("text"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("java.lang.String is no plugin");
  }

  @Test
  void aSchemeOlderThanTheFileIsRefused() {
    Plugins plugins = Plugins.of(new FakeScheme());
    assertThat(plugins.scheme(new SchemeId("fake", 1))).isInstanceOf(FakeScheme.class);
    assertThatThrownBy(() -> plugins.scheme(new SchemeId("fake", 2)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("fake@2 is needed and fake@1 is available");
  }

  @Test
  void aBrokenProviderIsAProblemAndDoesNotHideTheOthers(@TempDir Path folder) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(
        services.resolve(Scheme.class.getName()),
        "does.not.Exist\n" + Broken.class.getName() + "\n" + Sound.class.getName() + "\n");
    Files.writeString(
        services.resolve(dev.monoquant.spi.LayerQuantizer.class.getName()),
        BadlyNamed.class.getName() + "\n");
    try (URLClassLoader loader = loader(folder)) {
      Plugins plugins = Plugins.load(loader);
      assertThat(plugins.scheme("sound")).isInstanceOf(Sound.class);
      assertThat(plugins.problems()).hasSize(3);
      assertThat(plugins.problems().toString()).contains("does.not.Exist", "no luck", "Not An Id");
      assertThatThrownBy(() -> plugins.scheme("missing"))
          .hasMessageContaining("Broken plugins")
          .hasMessageContaining("no luck");
    }
  }

  /** Counts how often it is made. */
  public static final class Counted extends FakeScheme {
    static final AtomicInteger MADE = new AtomicInteger();

    /** Is counted. */
    public Counted() {
      MADE.incrementAndGet();
    }
  }

  /** A plugin of two kinds. */
  public static final class Both
      implements dev.monoquant.spi.LayerQuantizer, dev.monoquant.spi.CalibrationReader {
    @Override
    public String id() {
      return "both";
    }

    @Override
    public java.util.List<dev.monoquant.model.WeightMatrix> weights(
        dev.monoquant.model.Layer layer) {
      return java.util.List.of();
    }

    @Override
    public dev.monoquant.spi.Match probe(Path file) {
      return dev.monoquant.spi.Match.NONE;
    }

    @Override
    public dev.monoquant.spi.Calibration open(Path file, dev.monoquant.spi.ReadLimits limits)
        throws IOException {
      throw new IOException("never read");
    }
  }

  @Test
  void aClassThatIsRegisteredUnderTwoKindsIsFoundUnderBoth(@TempDir Path folder)
      throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    for (Class<?> kind :
        new Class<?>[] {
          dev.monoquant.spi.LayerQuantizer.class, dev.monoquant.spi.CalibrationReader.class
        }) {
      Files.writeString(services.resolve(kind.getName()), Both.class.getName() + "\n");
    }
    try (URLClassLoader loader = loader(folder)) {
      Plugins plugins = Plugins.load(loader);
      assertThat(plugins.layerQuantizers()).hasAtLeastOneElementOfType(Both.class);
      assertThat(plugins.calibrationReaders()).hasAtLeastOneElementOfType(Both.class);
      assertThat(plugins.entries()).filteredOn(e -> e.id().equals("both")).hasSize(2);
    }
  }

  @Test
  void pluginsOfAKindAreMadeWhenTheKindIsAskedForAndOnce(@TempDir Path folder) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(services.resolve(Scheme.class.getName()), Counted.class.getName() + "\n");
    int before = Counted.MADE.get();
    try (URLClassLoader loader = loader(folder)) {
      Plugins plugins = Plugins.load(loader);
      assertThat(plugins.inputFormats()).doesNotHaveAnyElementsOfTypes(Counted.class);
      assertThat(Counted.MADE.get() - before).isZero();
      Scheme made = plugins.scheme("fake");
      assertThat(plugins.with(new BadlyNamed()).scheme("fake")).isSameAs(made);
      assertThat(Counted.MADE.get() - before).isOne();
    }
  }

  @Test
  void oneJarSeenByTwoLoadersCountsOnce(@TempDir Path folder) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(services.resolve(Scheme.class.getName()), Sound.class.getName() + "\n");
    try (URLClassLoader one = loader(folder);
        URLClassLoader two = loader(folder)) {
      assertThat(Plugins.load(one, two).schemes()).hasSize(1);
    }
  }

  @Test
  void theSameClassFromTwoRealLoadersIsADuplicate(@TempDir Path folder) throws Exception {
    String resource = Sound.class.getName().replace('.', '/') + ".class";
    Path target = folder.resolve(resource);
    Files.createDirectories(target.getParent());
    try (InputStream in = getClass().getClassLoader().getResourceAsStream(resource)) {
      Files.write(target, in.readAllBytes());
    }
    try (URLClassLoader copy = new ChildFirst(folder.toUri().toURL())) {
      Scheme alien =
          (Scheme) copy.loadClass(Sound.class.getName()).getDeclaredConstructor().newInstance();
      Plugins plugins = Plugins.of(new Sound(), alien);
      assertThatThrownBy(() -> plugins.scheme("sound"))
          .hasMessageContaining("2 plugins claim")
          .hasMessageContaining(folder.getFileName().toString());
    }
  }

  private static URLClassLoader loader(Path folder) throws IOException {
    URI uri = folder.toUri();
    return new URLClassLoader(new URL[] {uri.toURL()}, PluginsTest.class.getClassLoader());
  }

  /** Loads {@link Sound} by itself, so that it is another class of the same name. */
  private static final class ChildFirst extends URLClassLoader {
    ChildFirst(URL url) {
      super(new URL[] {url}, PluginsTest.class.getClassLoader());
    }

    @Override
    public Class<?> loadClass(String name) throws ClassNotFoundException {
      return name.equals(Sound.class.getName()) ? findClass(name) : super.loadClass(name);
    }
  }
}
