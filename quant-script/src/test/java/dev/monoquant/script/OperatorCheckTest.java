package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;

/** Nothing passes that does more than compute, however it is written. */
class OperatorCheckTest {

  private static final String CLASS =
      """
      class Net(Module):
        __parameters__ = []
        save : Tensor
        fc : __torch__.Net
        __annotations__["a.b"] = Tensor
        def forward(self: __torch__.Net,
          x: Tensor) -> Tensor:
      """;

  private static List<String> check(String body) {
    return checkFile(CLASS + body.indent(4));
  }

  private static List<String> checkFile(String text, String... pickled) {
    TreeMap<String, String> code = new TreeMap<>();
    code.put("__torch__.py", text);
    return OperatorCheck.findings(
        Definitions.of(code, "net.pt", ReadLimits.DEFAULT), Set.of(pickled), Set.of());
  }

  @Example
  void torchsOwnModelsOnlyCompute() throws IOException {
    for (Fixtures fixture : Fixtures.values()) {
      Definitions code =
          Definitions.of(fixture.archive().program().code(), fixture.name(), ReadLimits.DEFAULT);
      assertThat(OperatorCheck.findings(code, Set.of(), Set.of())).as(fixture.name()).isEmpty();
    }
  }

  /** What the holders of an output call is on the list too. */
  @Example
  void outputsOnlyCompute() {
    Set<Ability> abilities = EnumSet.complementOf(EnumSet.of(Ability.TIMED));
    for (Kernels kernels : Kernels.values()) {
      assertThat(
              checkFile(new LibrarySource(kernels, Optional.empty(), abilities).text("__torch__")))
          .filteredOn(finding -> !finding.startsWith("__torch__."))
          .isEmpty();
    }
  }

  private static List<String> deep(int n) {
    String branches = "\nelif True:\n  n = 1";
    StringBuilder blocks = new StringBuilder();
    for (int i = 0; i < n; i++) {
      blocks.append("  ".repeat(i)).append("if True:\n");
    }
    return List.of(
        "y = " + "(".repeat(n) + "x" + ")".repeat(n),
        "y = " + "[".repeat(n) + "x" + "]".repeat(n),
        "y = " + "torch.relu(".repeat(n) + "x" + ")".repeat(n),
        "y = x" + ".T".repeat(n),
        "y = x" + ".relu()".repeat(n),
        "y = x" + "[0]".repeat(n),
        "y = x" + " + x".repeat(n),
        "y = x" + " == x".repeat(n),
        "y = True" + " and True".repeat(n),
        "y = " + "-".repeat(n) + "1",
        "y = " + "not ".repeat(n) + "True",
        "y = " + "x if True else ".repeat(n) + "x",
        "y = annotate(" + "List[".repeat(n) + "int" + "]".repeat(n) + ", [])",
        "if True:\n  n = 1" + branches.repeat(n),
        blocks + "  ".repeat(n) + "n = 1");
  }

  /** torch's compiler is recursive and ends the process where its stack does. */
  @Example
  void whatNestsDeeplyIsRefused() {
    for (String body : deep(140)) {
      assertThat(check(body)).as(body).anyMatch(finding -> finding.contains("nests deeper than"));
    }
    for (String body : deep(20)) {
      assertThat(check(body)).as(body).isEmpty();
    }
    String values = "x, ".repeat(5000);
    assertThat(check("y = [" + values + "-1]\nz = (x)\n" + "y = torch.relu(x.T)\n".repeat(500)))
        .isEmpty();
  }

  @Example
  void typesInPicklesThatNestDeeplyAreRefused() {
    Definitions none = Definitions.of(new TreeMap<>(), "net.pt", ReadLimits.DEFAULT);
    String type = "List[".repeat(140) + "int" + "]".repeat(140);
    assertThat(OperatorCheck.findings(none, Set.of(), Set.of(type)))
        .containsExactly("a type that nests deeper than 100 levels in the pickles");
    assertThat(OperatorCheck.findings(none, Set.of(), Set.of("\"")))
        .singleElement()
        .asString()
        .contains("a type that is not as torch writes it");
    assertThat(OperatorCheck.findings(none, Set.of(), Set.of("Dict[str, Tuple[int, Tensor]]")))
        .isEmpty();
  }

  @Example
  void valuesThatNestDeeplyAreRefused() {
    PickleValue value = new PickleTuple(List.of());
    for (int i = 0; i < 600; i++) {
      value = new PickleTuple(List.of(value));
    }
    Script script =
        new Script(
            new ScriptProgram(new TreeMap<>(), value, new PickleTuple(List.of())),
            "net.pt",
            ReadLimits.DEFAULT);
    assertThat(script.notComputing(Set.of(), Set.of()))
        .containsExactly("values that nest 601 levels deep in the pickles");
  }

  @Example
  void whatComputesPasses() {
    for (String body :
        List.of(
            "y = torch.add(x, 1.5e-05, alpha=-1)",
            "y = (self.fc).forward(x)",
            "y = getattr(self, \"a.b\")",
            "y = getattr(self.fc, \"fc\").forward(getattr(self, \"a.b\"))",
            "y = ops.prim.NumToTensor(torch.size(x, 0))",
            "y = ops.quantized.linear_dynamic(x, self.fc)",
            "ops.prim.RaiseException(\"it is torch.save\")",
            "y = CONSTANTS.c12 # torch.save(x, \"f\")",
            "y = annotate(List[__torch__.Net], [])",
            "y = \"{}\".format(x.shape)",
            "y = 2.j",
            "w, b = (self.fc).unpack()",
            "d.update({\"a\": 1})",
            "y = torch.slice(x, 0, 0, 9223372036854775807, 1)")) {
      assertThat(check(body)).as(body).isEmpty();
    }
  }

  @Example
  void whatDoesMoreIsNamedWithItsPlace() {
    assertThat(check("torch.save(x, \"f\")"))
        .containsExactly("torch.save in code/__torch__.py line 8");
    assertThat(check("y = torch.add(x, x)\ntorch.from_file(\"f\")\ntorch.from_file(\"g\")"))
        .containsExactly("torch.from_file in code/__torch__.py line 9");
  }

  @Example
  void noWritingHidesIt() {
    for (String body :
        List.of(
            "f = torch.save",
            "x.save(\"f\")",
            "torch\n  .save(x, \"f\")",
            "torch. # a comment\n  save(x, \"f\")",
            "(torch).save(x, \"f\")",
            "t = torch",
            "o = ops.aten",
            "ops.aten.save(x, \"f\")",
            "torch.autograd.save(x, \"f\")",
            "torch.add(x, x).save(\"f\")",
            "self.save.save(\"f\")",
            "torch.add.save(\"f\")",
            "2..save(\"f\")",
            "2.0.save(\"f\")",
            "1e5.save(\"f\")",
            "0x1.save(\"f\")",
            "2. .save(\"f\")",
            "\"a\".save(\"f\")",
            "[x][0].save(\"f\")",
            "getattr(x, \"save\")(\"f\")",
            "getattr(x, 'save')(\"f\")",
            "getattr(x, \"sa\" \"ve\")(\"f\")",
            "getattr(x, \"\\x73ave\")(\"f\")",
            "getattr(x, name)(\"f\")",
            "getattr(getattr(x, name), \"fc\")",
            "getattr(x, name=\"save\")",
            "getattr(*[x, \"save\"])",
            "g = getattr",
            "(getattr)(x, \"save\")",
            "ops.image.decode_png(x)",
            "ops.aten.unheard_of(x)",
            "ops.prim.rpc_sync(x)",
            "ops.refused.save(x)",
            "ops.classes.of(x)",
            "torch.unheard_of(x)",
            "x.unheard_of()",
            "y = __torch__.torch.classes.c10d.Store()",
            "y = __torch__.Other()",
            "y = __torch__.Net.save(x)",
            "y = \"\"\"a\" torch.save(x, \"f\")\"\"\"",
            "y = \"no end",
            "import os",
            "y = x \\\n .save(\"f\")",
            "y = x;x.save(\"f\")",
            "\ty = x",
            "y = 'a\\'.save(\"f\")",
            "y = \u017fave(x)")) {
      boolean imports = body.startsWith("import");
      assertThat(check(body).isEmpty()).as(body).isEqualTo(imports);
    }
  }

  /** The engine computes defaults and constants when it loads a program. */
  @Example
  void codeOutsideOfBodiesCounts() {
    assertThat(checkFile("def f(x: int=torch.save(1, \"f\")) -> int:\n  return x\n")).hasSize(1);
    assertThat(checkFile("class A(Module):\n  c : Final[int] = torch.save(1, \"f\")\n")).hasSize(1);
    assertThat(checkFile("torch.save(1, \"f\")\n")).hasSize(1);
    assertThat(checkFile("def f(\n)]}\n  torch.save(1, \"f\")\n")).hasSize(1);
  }

  @Example
  void classesOfPicklesAreThoseOfTheCode() {
    assertThat(checkFile(CLASS, "__torch__.Net")).isEmpty();
    assertThat(checkFile(CLASS, "__torch__.torch.classes.quantized.LinearPackedParamsBase"))
        .isEmpty();
    assertThat(checkFile(CLASS, "__torch__.Other"))
        .containsExactly("class __torch__.Other in the pickles");
    assertThat(checkFile(CLASS, "__torch__.torch.classes.c10d.Store")).hasSize(1);
  }

  @Example
  void manyFindingsAreBounded() {
    StringBuilder body = new StringBuilder();
    for (int i = 0; i < 100_000; i++) {
      body.append("x.y").append(i).append("()\n");
    }
    assertThat(check(body.toString())).hasSize(100);
  }

  /** Around it may stand what will: the call is found, or the text is refused. */
  @Property(tries = 2000)
  void nothingAroundItHidesIt(
      @ForAll
          @Chars({'(', ')', '[', ']', '"', '\'', '\\', ',', '.', ' ', '1', 'e', '-', '='})
          @CharRange(from = 'a', to = 'c')
          @StringLength(max = 12)
          String before) {
    // Behind the end of a line nothing but the end of a string, which is refused, can hide it.
    assertThat(check(before + "\ntorch.save(x, \"f\")")).isNotEmpty();
  }
}
