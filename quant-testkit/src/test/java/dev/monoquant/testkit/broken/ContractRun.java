package dev.monoquant.testkit.broken;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.platform.engine.ConfigurationParameters;
import org.junit.platform.engine.DiscoveryFilter;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.EngineDiscoveryRequest;
import org.junit.platform.engine.EngineExecutionListener;
import org.junit.platform.engine.ExecutionRequest;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.TestEngine;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.UniqueId;
import org.junit.platform.engine.discovery.DiscoverySelectors;

/** Runs a contract as a build would, and tells what became of each of its tests. */
final class ContractRun {

  private final Map<String, TestExecutionResult> results = new TreeMap<>();

  private ContractRun() {}

  /** Runs all tests of a class. */
  @SuppressWarnings("deprecation") // What replaces it needs a store and folders that jqwik has not.
  static ContractRun of(Class<?> contract, Path folder) {
    TestEngine jqwik =
        ServiceLoader.load(TestEngine.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(engine -> engine.getId().equals("jqwik"))
            .findFirst()
            .orElseThrow();
    Settings settings = new Settings(folder.resolve("jqwik-database"));
    TestDescriptor root =
        jqwik.discover(new Request(contract, settings), UniqueId.forEngine("jqwik"));
    ContractRun run = new ContractRun();
    jqwik.execute(
        ExecutionRequest.create(
            root,
            new EngineExecutionListener() {
              @Override
              public void executionFinished(TestDescriptor test, TestExecutionResult result) {
                if (test.isTest()) {
                  run.results.put(test.getDisplayName(), result);
                }
              }
            },
            settings));
    return run;
  }

  /** The tests that came out in some way. */
  Set<String> tests(TestExecutionResult.Status status) {
    Set<String> tests = new TreeSet<>();
    results.forEach(
        (test, result) -> {
          if (result.getStatus() == status) {
            tests.add(test);
          }
        });
    return tests;
  }

  /** What a test said. */
  String message(String test) {
    return results.get(test).getThrowable().map(Throwable::getMessage).orElse("nothing");
  }

  private record Request(Class<?> contract, Settings settings) implements EngineDiscoveryRequest {
    @Override
    public <T extends DiscoverySelector> List<T> getSelectorsByType(Class<T> type) {
      DiscoverySelector only = DiscoverySelectors.selectClass(contract);
      return type.isInstance(only) ? List.of(type.cast(only)) : List.of();
    }

    @Override
    public <T extends DiscoveryFilter<?>> List<T> getFiltersByType(Class<T> type) {
      return List.of();
    }

    @Override
    public ConfigurationParameters getConfigurationParameters() {
      return settings;
    }
  }

  /** Failures are expected, so nothing is remembered or printed of them. */
  private static final class Settings implements ConfigurationParameters {
    private final Map<String, String> values = new HashMap<>();

    Settings(Path database) {
      values.put("jqwik.database", database.toString());
      values.put("jqwik.reporting.onlyfailures", "true");
    }

    @Override
    public Optional<String> get(String key) {
      return Optional.ofNullable(values.get(key));
    }

    @Override
    public Optional<Boolean> getBoolean(String key) {
      return get(key).map(Boolean::valueOf);
    }

    @Override
    @SuppressWarnings("deprecation") // Abstract still.
    public int size() {
      return values.size();
    }

    @Override
    public Set<String> keySet() {
      return values.keySet();
    }
  }
}
