package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.spi.ObservableModel.Bins;
import dev.monoquant.spi.ObservableModel.Input;
import dev.monoquant.spi.ObservableModel.Request;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Writes a program whose weights observe their inputs. An object is used once. */
final class Observation {

  private static final String OWN = "monoquant_observers";
  private static final String NAME = "__torch__.monoquant.";

  private final ScriptProgram program;
  private final Definitions definitions;
  private final Modules modules;
  private final Analysis analysis;
  private final String library;
  private final Map<Modules.Module, Map<String, PickleObject>> held = new HashMap<>();
  private final Map<String, PickleObject> constants = new TreeMap<>();
  private final Map<String, String> prefixes = new LinkedHashMap<>();

  Observation(ScriptProgram program, Definitions definitions, Modules modules, Analysis analysis) {
    this.program = program;
    this.definitions = definitions;
    this.modules = modules;
    this.analysis = analysis;
    this.library = freshLibrary();
  }

  private String freshLibrary() {
    String name = OWN;
    for (int i = 1; program.code().containsKey("__torch__/" + name + ".py"); i++) {
      name = OWN + "_" + i;
    }
    return name;
  }

  Observers run(List<Request> requests) {
    requests.forEach(this::add);
    String declared = "__torch__." + library + Slot.OBSERVED;
    Map<String, String> constantTypes = new TreeMap<>();
    constants.keySet().forEach(name -> constantTypes.put(name, declared));
    ModuleTypes types =
        ModuleTypes.of(
            definitions,
            modules,
            module -> {
              Map<String, String> own = new TreeMap<>();
              held.getOrDefault(module, Map.of()).keySet().forEach(a -> own.put(a, declared));
              return own;
            },
            constantTypes,
            program.constants(),
            (type, attribute) -> Optional.of(analysis.plan(type, attribute)));
    types
        .of(modules.root())
        .constants()
        .forEach(
            (attribute, slot) -> prefixes.put(Slot.CONSTANT_PREFIX + slot.attribute(), attribute));
    SortedMap<String, String> code =
        CodeWriter.write(definitions, types, Pass.over(definitions, types));
    code.put(
        "__torch__/" + library + ".py",
        Library.load("observers.py").replace(NAME, "__torch__." + library + "."));
    Cuts cuts = Cuts.none();
    return new Observers(
        new ScriptProgram(
            code, DataWriter.data(modules, types, held, constants, cuts), program.constants()),
        prefixes);
  }

  private void add(Request request) {
    String name = request.input().weight();
    if (name.startsWith(Slot.CONSTANT_PREFIX)) {
      String constant = name.substring(Slot.CONSTANT_PREFIX.length());
      Plan plan = analysis.plan(Slot.CONSTANTS, constant);
      constants.put(constant, observer(request, plan, None.INSTANCE));
      return;
    }
    Modules.Place place = modules.find(name).orElseThrow();
    Plan plan = analysis.plan(place.module().type().qualified(), place.attribute());
    held.computeIfAbsent(place.module(), m -> new TreeMap<>())
        .put(place.attribute(), observer(request, plan, place.tensor()));
    prefixes.put(name, name);
  }

  private PickleObject observer(Request request, Plan plan, PickleValue tensor) {
    Input input = request.input();
    List<Integer> numbers = new ArrayList<>();
    numbers.add(Math.toIntExact(input.columns()));
    numbers.add(request.products() ? 1 : 0);
    numbers.add(request.bins().map(Bins::count).orElse(0));
    numbers.add(Math.toIntExact(input.rows()));
    plan.window()
        .ifPresent(
            window -> {
              numbers.addAll(window.flat());
              numbers.addAll(input.kernel().orElseThrow().sizes());
              numbers.add(window.stride().size() == 1 ? 1 : 0);
            });
    List<Double> bounds =
        request.bins().map(b -> List.of(b.least(), b.greatest())).orElse(List.of());
    PickleTuple state = Pickles.tuple(tensor, Pickles.integers(numbers), Pickles.doubles(bounds));
    return Pickles.instance("__torch__." + library + ".Observer", state);
  }
}
