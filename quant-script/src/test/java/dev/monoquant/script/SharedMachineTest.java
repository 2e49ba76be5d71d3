package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Example;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * All holders of a library refer to one object of what the processor loses, so that it is tried
 * once: a written archive names that object once, and refers to it from there on.
 */
class SharedMachineTest {

  /** {@return the machines of all holders below a module, by their library} */
  private static Map<String, List<PickleValue>> machines(PickleObject root) {
    Map<String, List<PickleValue>> found = new HashMap<>();
    Set<PickleObject> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    collect(root, seen, found);
    return found;
  }

  private static void collect(
      PickleObject object, Set<PickleObject> seen, Map<String, List<PickleValue>> found) {
    if (!seen.add(object)) {
      return;
    }
    PickleValue state = object.state().orElse(null);
    if (object.callee().name().equals("Weight") && state instanceof PickleTuple parts) {
      found.computeIfAbsent(object.callee().module(), m -> new ArrayList<>()).add(parts.get(0));
    } else if (state instanceof PickleDict attributes) {
      for (PickleDict.Item item : attributes.items()) {
        if (item.value() instanceof PickleObject child) {
          collect(child, seen, found);
        }
      }
    }
  }

  private static Map<String, List<PickleValue>> written(Quantized quantized) throws Exception {
    Path file = Files.createTempFile("machine", ".pt");
    try {
      quantized.rewrite().write(file);
      return machines((PickleObject) ScriptArchive.read(file).program().data());
    } finally {
      Files.delete(file);
    }
  }

  private static void requireOne(List<PickleValue> machines) {
    Set<PickleValue> different = Collections.newSetFromMap(new IdentityHashMap<>());
    different.addAll(machines);
    assertThat(different).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      names = {"BERT_TRACED", "BERT_FROZEN", "CONV2D_SCRIPTED", "GPT2_TRACED"})
  void allHoldersHaveTheSame(Fixtures fixture) throws Exception {
    Map<String, List<PickleValue>> found =
        written(fixture.quantized(PlainScheme.INT8, Mode.DYNAMIC));
    assertThat(found).hasSize(1);
    List<PickleValue> machines = found.values().iterator().next();
    assertThat(machines).hasSizeGreaterThan(1);
    requireOne(machines);
  }

  /** Kernels of two kinds are two libraries. */
  @Example
  void eachLibraryHasItsOwn() throws Exception {
    Quantized quantized = new Quantized(Fixtures.BERT_TRACED.archive());
    int next = 0;
    for (String name : quantized.candidates()) {
      Kernels kernels = next++ % 2 == 0 ? Kernels.LASTING : Kernels.FASTEST;
      quantized.add(name, 0, PlainScheme.INT8, Quantized.options(Mode.DYNAMIC, kernels, 0));
    }
    Map<String, List<PickleValue>> found = written(quantized);
    assertThat(found).hasSize(2);
    found.values().forEach(SharedMachineTest::requireOne);
  }
}
