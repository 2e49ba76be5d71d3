package dev.monoquant.core.trial;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ConfigurationException;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.ModelCall.Argument;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.RunnableFile.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parameters of all types get what a sample says, and methods are called by name. */
class SampleArgumentsTest {

  private static final String CODE =
      """
      class Net(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def forward(self: __torch__.Net,
          x: Tensor,
          n: int,
          f: float,
          b: bool,
          t: str,
          xs: List[Tensor],
          ns: List[int],
          fs: List[float],
          bs: List[bool],
          d: Dict[str, Tensor],
          h: Tuple[Tensor, int],
          o: Optional[Tensor]=None,
          k: int=7) -> Tensor:
          first, second = h
          y = torch.add(torch.add(torch.mul(x, n), f), float(b))
          if torch.eq(t, "h\u00e9"):
            y0 = torch.add(y, 1000)
          else:
            y0 = y
          y1 = torch.add(torch.add(y0, torch.sub(xs[0], xs[1])), torch.sub(ns[1], ns[0]))
          y2 = torch.add(torch.add(y1, fs[1]), torch.mul(float(bs[0]), 100))
          y3 = torch.add(torch.add(y2, torch.mul(d["a"], 2)), torch.mul(first, second))
          if torch.__isnot__(o, None):
            o0 = unchecked_cast(Tensor, o)
            y4 = torch.add(y3, o0)
          else:
            y4 = y3
          return torch.add(y4, k)
        def twice(self: __torch__.Net,
          x: Tensor) -> Tensor:
          return torch.mul(x, 2)
      """;

  @TempDir private Path folder;
  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  private Path model() throws IOException {
    String pickle = "\u0080\2c__torch__\nNet\n)\u0081}X\10\0\0\0training\u0089sb.";
    Map<String, String> records = new LinkedHashMap<>();
    records.put("data.pkl", pickle);
    records.put("constants.pkl", "\u0080\2).");
    records.put("version", "3\n");
    Path file = folder.resolve("model.pt");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, String> record : records.entrySet()) {
        zip.putNextEntry(new ZipEntry("model/" + record.getKey()));
        zip.write(record.getValue().getBytes(ISO_8859_1));
      }
      zip.putNextEntry(new ZipEntry("model/code/__torch__.py"));
      zip.write(CODE.getBytes(UTF_8));
    }
    return file;
  }

  private static Method forward() {
    List<Parameter> parameters = new ArrayList<>();
    for (String parameter :
        List.of(
            "x: Tensor",
            "n: int",
            "f: float",
            "b: bool",
            "t: str",
            "xs: List[Tensor]",
            "ns: List[int]",
            "fs: List[float]",
            "bs: List[bool]",
            "d: Dict[str, Tensor]",
            "h: Tuple[Tensor, int]",
            "o: Optional[Tensor] =",
            "k: int =")) {
      String[] parts = parameter.split(": ", 2);
      parameters.add(new Parameter(parts[0], parts[1].replace(" =", ""), parts[1].endsWith(" =")));
    }
    return new Method("forward", parameters, false);
  }

  private Map<String, NDArray> sample() {
    Map<String, NDArray> all = new LinkedHashMap<>();
    all.put("x", manager.create(new float[] {1, 2}));
    all.put("n", manager.create(10L));
    all.put("f", manager.create(0.5));
    all.put("b", manager.create(true));
    all.put("t", manager.create(new int[] {'h', '\u00e9', 0, 0}));
    all.put("xs.0", manager.create(new float[] {3, 3}));
    all.put("xs.1", manager.create(new float[] {1, 1}));
    all.put("ns", manager.create(new long[] {4, 9}));
    all.put("fs", manager.create(new double[] {0, 0.25}));
    all.put("bs", manager.create(new boolean[] {true, false}));
    all.put("d.a", manager.create(new float[] {20, 20}));
    all.put("h.0", manager.create(new float[] {7, 7}));
    all.put("h.1", manager.create(3));
    return all;
  }

  private float[] run(Map<String, NDArray> sample) throws IOException {
    List<Argument> arguments = SampleArguments.of("s.npz", forward(), sample);
    try (RunnableModel model = RunnableModel.load("model", model())) {
      return model
          .run(new ModelCall("forward", new NDList(), arguments), manager)
          .head()
          .toFloatArray();
    }
  }

  @Test
  void allTypesReachTheModel() throws IOException {
    float rest = 0.5f + 1 + 1000 + 2 + 5 + 0.25f + 100 + 40 + 21;
    assertThat(run(sample())).containsExactly(10 + rest + 7, 20 + rest + 7);
    Map<String, NDArray> more = sample();
    more.put("o", manager.create(new float[] {0.25f, 0.25f}));
    more.put("k", manager.create(0L));
    assertThat(run(more)).containsExactly(10 + rest + 0.25f, 20 + rest + 0.25f);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "n | which takes an array n of one integer, such as numpy.int64(3); it has [x, f, b",
        "t | which takes an array t of one text",
        "xs.0 | which takes arrays xs.0, xs.1 and so on",
        "ns | which takes an array ns of one dimension",
        "d.a | which takes an array d.KEY for each key",
        "h.1 | which takes 2 items: an array h.0, an array h.1 of one integer",
      })
  void whatIsMissingIsNamedWithItsType(String missing, String message) {
    Map<String, NDArray> sample = sample();
    sample.remove(missing);
    assertThatThrownBy(() -> SampleArguments.of("s.npz", forward(), sample))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "s.npz: it has nothing for the parameter " + missing.replaceFirst("\\..*", ""))
        .hasMessageContaining("forward(x: Tensor, n: int")
        .hasMessageContaining(message);
  }

  /** The engine has no way to say that a parameter in the middle keeps its default. */
  @Test
  void defaultsAreLeftOutAtTheEndAlone() {
    Map<String, NDArray> sample = sample();
    sample.put("k", manager.create(0L));
    assertThatThrownBy(() -> SampleArguments.of("s.npz", forward(), sample))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("nothing for the parameter o of");
  }

  @Test
  void arraysOfOtherTypesAreRefused() {
    Map<String, NDArray> floats = sample();
    floats.put("n", manager.create(1.5f));
    assertThatThrownBy(() -> SampleArguments.of("s.npz", forward(), floats))
        .hasMessageContaining("its array n is float32 of shape ()")
        .hasMessageContaining("takes an array n of one integer");
    Map<String, NDArray> several = sample();
    several.put("b", manager.ones(new Shape(2)));
    assertThatThrownBy(() -> SampleArguments.of("s.npz", forward(), several))
        .hasMessageContaining("its array b is float32 of shape (2)");
  }

  /** Arrays with the name of a method before theirs are for it. */
  @Test
  void methodsAreCalledByName() throws IOException {
    Method twice = new Method("twice", List.of(new Parameter("x", "Tensor", false)), false);
    Path file = folder.resolve("sample.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("twice:x.npy"));
      String header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n";
      String start = "\u0093NUMPY\1\0" + (char) header.length() + "\0";
      zip.write((start + header + "\5").getBytes(ISO_8859_1));
    }
    List<ModelCall> calls =
        SampleReader.read(Settings.defaults(), SampleInputs.of(file), List.of(twice), manager);
    assertThat(calls).extracting(ModelCall::method).containsExactly("twice");
    try (RunnableModel model = RunnableModel.load("model", model())) {
      assertThat(
              model.run(calls.get(0), manager).head().toType(DataType.FLOAT32, true).toFloatArray())
          .containsExactly(10);
    }
    assertThatThrownBy(
            () ->
                SampleReader.read(
                    Settings.defaults(),
                    SampleInputs.of(file),
                    List.of(new Method("encode", twice.parameters(), false)),
                    manager))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("the model has no method forward")
        .hasMessageContaining(
            "Name them as in encode:NAME, for the parameters of encode(x: Tensor)");
  }
}
