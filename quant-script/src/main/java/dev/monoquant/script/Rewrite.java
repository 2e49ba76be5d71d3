package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One rewriting of a program. An object is used once. */
final class Rewrite {

  private static final String LIBRARY = "monoquant";

  /** Identifies weights that are the same: equal numbers, quantized in the same way. */
  private record Same(
      TensorView view, int rowAxis, SchemeId scheme, OptionValues options, Encoding encoding) {}

  /** Identifies a library. */
  private record Source(Kernels kernels, Optional<String> decoder, boolean shares) {}

  private final ScriptProgram program;
  private final Definitions definitions;
  private final Modules modules;
  private final Analysis analysis;
  private final HolderPickles pickles;
  private final Map<Same, List<PickleObject>> parts = new HashMap<>();
  private final Map<Same, List<Holder>> shared = new HashMap<>();

  /** The first holder of each view, for fast look-up. */
  private final Map<TensorView, Holder> leaders = new HashMap<>();

  private final Map<Holder, List<PickleObject>> tensors = new HashMap<>();
  private final Set<Modules.Place> keptPlaces = new HashSet<>();
  private final List<Holder> holders = new ArrayList<>();
  private final Map<Modules.Module, Map<String, Holder>> held = new LinkedHashMap<>();
  private final Map<String, Holder> constants = new TreeMap<>();
  private final Map<Source, String> libraries = new LinkedHashMap<>();

  Rewrite(ScriptProgram program, Definitions definitions, Modules modules, Analysis analysis) {
    this.program = program;
    this.definitions = definitions;
    this.modules = modules;
    this.analysis = analysis;
    this.pickles = new HolderPickles(program);
  }

  Rewritten run(List<EncodedWeight> weights, Collection<String> kept) {
    kept.forEach(name -> modules.find(name).ifPresent(keptPlaces::add));
    Map<EncodedWeight, Holder> of = new LinkedHashMap<>();
    weights.forEach(w -> of.put(w, hold(w)));
    modules.all().forEach(this::follow);
    Map<String, String> constantTypes = new TreeMap<>();
    constants.forEach((name, holder) -> constantTypes.put(name, Library.declared(library(holder))));
    ModuleTypes types =
        ModuleTypes.of(
            definitions,
            modules,
            this::types,
            constantTypes,
            program.constants(),
            (type, attribute) -> Optional.of(analysis.plan(type, attribute)));
    Set<String> sharing = new HashSet<>();
    libraries.forEach(
        (source, name) -> {
          if (source.shares()) {
            sharing.add(Library.declared(name));
          }
        });
    Chains.link(definitions, modules, holders);
    Pass pass = Pass.over(definitions, types, sharing, normed());
    requireAllowed(pass);
    Map<Holder, PickleObject> objects = new HashMap<>();
    Map<String, PickleObject> machines = new HashMap<>();
    holders.forEach(
        h -> {
          String library = library(h);
          PickleObject machine = machines.computeIfAbsent(library, Library::machine);
          objects.put(
              h,
              HolderPickles.object(
                  Library.made(library), machine, h, tensors.getOrDefault(h, List.of())));
        });
    Map<Modules.Module, Map<String, PickleObject>> places = new HashMap<>();
    held.forEach(
        (module, attributes) -> {
          Map<String, PickleObject> made = new HashMap<>();
          attributes.forEach((name, holder) -> made.put(name, objects.get(holder)));
          places.put(module, made);
        });
    Map<String, PickleObject> heldConstants = new HashMap<>();
    constants.forEach((name, holder) -> heldConstants.put(name, objects.get(holder)));
    Cuts cuts = Cuts.of(program, modules, held, constants.keySet(), pickles::freshKey);
    SortedMap<String, String> code = CodeWriter.write(definitions, types, pass);
    libraries.forEach(
        (source, name) ->
            code.put(
                "__torch__/" + name + ".py",
                LibrarySource.of(source.kernels(), source.decoder(), source.shares(), holders(name))
                    .text(name)));
    OptionalInt attentions =
        weights.stream().anyMatch(w -> w.storage().get(HolderOptions.ATTENTION))
            ? OptionalInt.of(
                FusedAttention.in(code, definitions, program.constants(), holderTypes()))
            : OptionalInt.empty();
    ScriptProgram result =
        new ScriptProgram(
            code,
            DataWriter.data(modules, types, places, heldConstants, cuts),
            DataWriter.constants(program.constants(), heldConstants, cuts));
    List<Treatment> treatments = new ArrayList<>();
    Map<String, PickleObject> decoded = new LinkedHashMap<>();
    of.forEach(
        (weight, holder) -> {
          treatments.add(Notes.of(weight, holder, others(weight.name())));
          if (holder.isDecoded()) {
            decoded.put(weight.name(), objects.get(holder));
          }
        });
    return new Rewritten(
        result, pickles.storages(), cuts.storages(), treatments, decoded, attentions);
  }

  private Set<String> holderTypes() {
    return libraries.values().stream().map(Library::declared).collect(Collectors.toSet());
  }

  private Collection<String> others(String weight) {
    if (weight.startsWith(Slot.CONSTANT_PREFIX)) {
      return analysis.others(Slot.CONSTANTS, weight.substring(Slot.CONSTANT_PREFIX.length()));
    }
    Modules.Place place = modules.find(weight).orElseThrow();
    return analysis.others(place.module().type().qualified(), place.attribute());
  }

  private static void requireAllowed(Pass pass) {
    pass.uses().stream()
        .filter(u -> u.kind() == Use.Kind.FORBIDDEN)
        .findFirst()
        .ifPresent(
            use -> {
              throw new IllegalStateException(
                  use.slot().type() + "." + use.slot().attribute() + ": " + use.detail());
            });
  }

  private Map<String, String> types(Modules.Module module) {
    Map<String, String> types = new TreeMap<>();
    held.getOrDefault(module, Map.of())
        .forEach((name, holder) -> types.put(name, Library.declared(library(holder))));
    return types;
  }

  private Holder hold(EncodedWeight weight) {
    Codec codec = Codec.of(weight).orElseThrow();
    if (weight.name().startsWith(Slot.CONSTANT_PREFIX)) {
      String name = weight.name().substring(Slot.CONSTANT_PREFIX.length());
      Holder known = constants.get(name);
      if (known != null) {
        return known;
      }
      Plan plan = analysis.plan(Slot.CONSTANTS, name);
      Holder holder =
          new Holder(
              codec,
              HolderOptions.mode(weight, plan),
              HolderOptions.kernels(weight),
              analysis.order());
      holder.addConstant(plan);
      tensors.put(holder, pickles.parts(codec));
      holders.add(holder);
      constants.put(name, holder);
      return holder;
    }
    Modules.Place place = modules.find(weight.name()).orElseThrow();
    Holder known = held.getOrDefault(place.module(), Map.of()).get(place.attribute());
    return known != null ? known : place(codec, place);
  }

  private Holder place(Codec codec, Modules.Place place) {
    EncodedWeight weight = codec.weight();
    Optional<Same> same =
        TensorView.of(place.tensor())
            .map(
                view ->
                    new Same(
                        view,
                        weight.matrix().rowAxis(),
                        weight.scheme(),
                        weight.options(),
                        weight.encoding()));
    Plan plan = analysis.plan(place.module().type().qualified(), place.attribute());
    Mode mode = HolderOptions.mode(weight, plan);
    Kernels kernels = HolderOptions.kernels(weight);
    List<Holder> candidates =
        same.map(s -> shared.computeIfAbsent(s, k -> new ArrayList<>())).orElse(new ArrayList<>());
    Holder holder =
        candidates.stream().filter(h -> h.agrees(mode, kernels, plan)).findFirst().orElse(null);
    if (holder == null) {
      holder = new Holder(codec, mode, kernels, analysis.order());
      List<PickleObject> stored =
          same.isPresent()
              ? parts.computeIfAbsent(same.get(), s -> pickles.parts(codec))
              : pickles.parts(codec);
      tensors.put(holder, stored);
      candidates.add(holder);
      holders.add(holder);
      Holder made = holder;
      same.ifPresent(s -> leaders.putIfAbsent(s.view(), made));
    }
    holder.add(place, plan);
    held.computeIfAbsent(place.module(), m -> new TreeMap<>()).put(place.attribute(), holder);
    return holder;
  }

  /**
   * Replaces attributes that are the same tensor as a quantized weight by its holder; otherwise the
   * original tensor would stay in the file.
   */
  private void follow(Modules.Module module) {
    module
        .tensors()
        .forEach(
            (attribute, tensor) -> {
              String type = module.type().qualified();
              if (!held.getOrDefault(module, Map.of()).containsKey(attribute)
                  && !keptPlaces.contains(new Modules.Place(module, attribute))
                  && module.isOpen()
                  && module.type().isTensor(attribute)
                  && analysis.refusal(module, attribute).isEmpty()) {
                Plan plan = analysis.plan(type, attribute);
                TensorView.of(tensor)
                    .map(leaders::get)
                    .filter(h -> h.agrees(h.requested(), h.kernels(), plan))
                    .ifPresent(
                        holder -> {
                          holder.add(new Modules.Place(module, attribute), plan);
                          held.computeIfAbsent(module, m -> new TreeMap<>()).put(attribute, holder);
                        });
              }
            });
  }

  /** {@return the function for normalizations that a kernel may have done} */
  private Optional<String> normed() {
    return holders.stream()
        .filter(h -> h.given().flatMap(GivenCodes::norm).isPresent())
        .findFirst()
        .map(h -> "__torch__." + library(h) + ".normed");
  }

  private String library(Holder holder) {
    Optional<String> decoder =
        Optional.of(holder.codec())
            .filter(codec -> codec.kind() == Codec.Kind.SCRIPT)
            .map(Library::decoder);
    return libraries.computeIfAbsent(
        new Source(holder.kernels(), decoder, holder.shares()), source -> freshLibrary());
  }

  private List<Holder> holders(String library) {
    return holders.stream().filter(h -> library(h).equals(library)).toList();
  }

  private String freshLibrary() {
    String name = LIBRARY;
    for (int i = 1;
        libraries.containsValue(name) || program.code().containsKey("__torch__/" + name + ".py");
        i++) {
      name = LIBRARY + "_" + i;
    }
    return name;
  }
}
