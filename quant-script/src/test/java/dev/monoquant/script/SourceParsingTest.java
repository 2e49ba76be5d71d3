package dev.monoquant.script;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.script.SourceFile.ClassDef;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SourceParsingTest {

  private static SourceFile parse(String... lines) {
    return parse("__torch__/a/b.py", String.join("\n", lines) + "\n");
  }

  /** Refuses what is not understood, as a rewriting does. */
  private static SourceFile parse(String path, String text) {
    SourceFile file = SourceFile.parse(path, text, "model.pt", nodes -> {});
    file.fault()
        .ifPresent(
            fault -> {
              throw fault;
            });
    return file;
  }

  private static Statement statement(String text) {
    return Statement.of(requireNonNull(new Lines(text, 0, text.length()).take()));
  }

  @Test
  void classesWithAllTheirParts() {
    SourceFile file =
        parse(
            "op_version_set = 1",
            "class Net(Module):",
            "  __parameters__ = [\"weight\", \"a.b\", ]",
            "  __buffers__ = []",
            "  weight : Tensor",
            "  __annotations__[\"a.b\"] = Tensor",
            "  __annotations__[\"0\"] = __torch__.c.___torch_mangle_1.Linear",
            "  bias : Optional[Tensor]",
            "  size : Final[int] = 3",
            "  def forward(self: __torch__.a.b.Net,",
            "    x: Tensor,",
            "    n: int=2,",
            "    hx: Optional[Tuple[Tensor, Tensor]]=None) -> Tensor:",
            "    # a comment (with a bracket",
            "    y = torch.conv2d(x, self.weight, None, [1, 1],",
            "        [-1, 0])",
            "    return y",
            "def free(x: Tensor) -> Tensor:",
            "  return x");
    ClassDef net = file.classes().get("Net");
    assertThat(net.qualified()).isEqualTo("__torch__.a.b.Net");
    assertThat(net.isModule()).isTrue();
    assertThat(net.attributes()).containsOnlyKeys("weight", "a.b", "0", "bias");
    assertThat(net.isTensor("a.b")).isTrue();
    assertThat(net.isTensor("bias")).isFalse();
    assertThat(net.declared("0")).contains("__torch__.c.___torch_mangle_1.Linear");
    assertThat(net.lists().get("__parameters__").items()).hasSize(2);
    Function forward = net.methods().get("forward");
    assertThat(forward.parameters())
        .extracting(Function.Parameter::name)
        .containsExactly("self", "x", "n", "hx");
    assertThat(forward.body()).hasSize(2).allMatch(Statement::understood);
    assertThat(file.functions()).containsOnlyKeys("free");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a = b.c(x, [1, 2.5e-05, -3], y=None, )",
        "a, b, = f(x)",
        "_0, (_1, _2) = f(x)",
        "self.n = torch.add(self.n, 1)",
        "return (a, [b, c], {\"k\": v, 1: 2}, (d,))",
        "for i in range(torch.len(x)):",
        "with a as b:",
        "if torch.__not__(x):",
        "else:",
        "pass",
        "return",
        "x = (hx2)[0][1:2, :][torch.add(i, 1)]",
        "assigned = unchecked_cast(List[int], x)",
        "s = \"a \\\" ) b\""
      })
  void statementsOfThePrinter(String line) {
    assertThat(statement(line).understood()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a = b if c else d",
        "a = b + c",
        "a += 1",
        "x[0] = y",
        "a = lambda x: x",
        "a = [x for x in y]",
        "import torch",
        "assert x",
        "a = b c",
        "for x.y in z:",
        "if x"
      })
  void anythingElseIsNotUnderstood(String line) {
    assertThat(statement(line).understood()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "class A(Module):\n  x : \"unclosed",
        "def f(x: Tensor -> Tensor:",
        "def f(x)):",
        "x = (1",
        "class A:\n\tx : Tensor",
        "  indented = 1",
        "class A:\n  x : Tensor\n  x : Tensor",
        "class A:\n  x : Tensor\nclass A:\n  y : Tensor",
        "class A:\n  __parameters__ = [x]",
        "class A:\n  __parameters__ = x",
        "class 7:\n  x : Tensor",
        "class A(\"b\"):\n  x : Tensor",
        "f(x,\ndef g(x):\n  return x",
        "class A:\n  if x:\n    y : Tensor"
      })
  void whatIsNoSourceIsRefused(String text) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("model.pt")
        .hasMessageContaining("code/__torch__/a/b.py")
        .hasMessageContaining("line ");
  }

  @Test
  void deepNestingIsNotFollowed() {
    String deep = "x = " + "(".repeat(100_000) + "1" + ")".repeat(100_000);
    assertThat(statement(deep).understood()).isFalse();
    String members = "x = a" + ".b".repeat(20_000);
    assertThat(statement(members).understood()).isFalse();
  }

  /** Whatever a file says, it is parsed or refused. */
  @Property(tries = 2000)
  void neverFailsInAnotherWay(@ForAll @StringLength(max = 60) String text) {
    for (String file : List.of(text, "class A(Module):\n  " + text, "def f(x):\n  " + text)) {
      try {
        assertThat(parse("a.py", file).text()).isEqualTo(file);
      } catch (ModelFormatException refused) {
        assertThat(refused.file()).isEqualTo("model.pt");
      }
    }
  }
}
