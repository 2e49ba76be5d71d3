package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.GgufArchitecture;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** The architectures of transformers that can be stored as GGUF, by the classes of their models. */
final class Architectures {

  private final TreeMap<String, List<GgufArchitecture>> byModel = new TreeMap<>();

  Architectures(Collection<GgufArchitecture> all) {
    for (GgufArchitecture architecture : all) {
      for (String model : architecture.models()) {
        byModel.computeIfAbsent(model, m -> new ArrayList<>()).add(architecture);
      }
    }
  }

  /** {@return those that the loaders of this class and of the thread can see} */
  static Architectures load() {
    List<GgufArchitecture> all = new ArrayList<>();
    ClassLoader own = Architectures.class.getClassLoader();
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    collect(ServiceLoader.load(GgufArchitecture.class, own), all);
    if (context != null && context != own) {
      collect(ServiceLoader.load(GgufArchitecture.class, context), all);
    }
    return new Architectures(all);
  }

  private static void collect(ServiceLoader<GgufArchitecture> loader, List<GgufArchitecture> all) {
    try {
      for (GgufArchitecture found : loader) {
        if (all.stream().noneMatch(other -> other.getClass().equals(found.getClass()))) {
          all.add(found);
        }
      }
    } catch (ServiceConfigurationError e) {
      throw new ConfigurationException(
          "a plugin for architectures of GGUF files could not be loaded: "
              + e.getMessage()
              + ". Update or remove its jar",
          e);
    }
  }

  /**
   * {@return the architecture of a class; empty if it is unknown}
   *
   * @param model the class, as config.json names it
   * @throws ConfigurationException if several plugins claim it
   */
  Optional<GgufArchitecture> find(String model) {
    List<GgufArchitecture> found = byModel.getOrDefault(model, List.of());
    if (found.size() > 1) {
      throw new ConfigurationException(
          "the architecture "
              + quote(model)
              + " is claimed by "
              + found.get(0).getClass().getName()
              + " and by "
              + found.get(1).getClass().getName()
              + ". Remove the jar of one of them");
    }
    return found.stream().findFirst();
  }

  /** {@return the known classes in order, for messages} */
  String names() {
    return String.join(", ", byModel.keySet());
  }
}
