package dev.monoquant.io.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.testing.Folders;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.Sweep;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Auditable;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.NoSuchElementException;
import java.util.Optional;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nothing of an output can be changed unnoticed, and what it says of itself is not believed. */
@AddLifecycleHook(Sweep.class)
class TorchScriptTamperTest {

  private static Path folder;
  private static Path output;

  /** {@code fc1.weight} held as int4 in groups, everything else kept. */
  static synchronized Path output() throws IOException {
    if (output != null) {
      return output;
    }
    folder = Folders.make();
    Path target = folder.resolve("out.pt");
    try (ModelSource source =
        Originals.open(Originals.path("/torch-corpus/torchscript/ts_ok_traced.pt"))) {
      Sample sample = Originals.sample(source, 1, 0);
      TensorInfo tensor =
          source.info().tensors().stream()
              .filter(t -> t.name().equals("fc1.weight"))
              .findFirst()
              .get();
      sample.kept.remove(tensor);
      sample.quantize(
          new EncodedWeight(
              new WeightMatrix("fc1", LayerKind.LINEAR, "weight", tensor, 0),
              new SchemeId("int4", 1),
              OptionValues.of(4, true, Granularity.group(2)),
              Encoding.affine(
                  Part.perElement("codes", ElementType.INT4),
                  Part.perGroup("scale", ElementType.FLOAT32, 2))));
      sample.write(Originals.output(), Originals.request(sample, target, source));
    }
    output = target;
    return target;
  }

  @BeforeContainer
  static void make() throws IOException {
    output();
  }

  @AfterContainer
  static void remove() throws IOException {
    Folders.delete(folder);
    output = null;
  }

  /** Refused, or found by the audit; which of both is for the reader to say. */
  private static Optional<String> noticed(Path path) throws IOException {
    try (ModelSource source = Originals.open(path)) {
      var differences = source.find(Auditable.class).orElseThrow().audit().differences();
      return differences.isEmpty() ? Optional.empty() : Optional.of(differences.toString());
    } catch (ModelFormatException refused) {
      assertThat(refused.getMessage()).doesNotContain("\n");
      return Optional.of(refused.getMessage());
    }
  }

  @Example
  void everyByteIsWatched() throws IOException {
    byte[] bytes = Files.readAllBytes(output());
    Path changed = folder.resolve("changed.pt");
    assertThat(noticed(output())).isEmpty();
    int step = Sweep.count(7, 1);
    for (int at = 0; at < bytes.length; at += step) {
      byte old = bytes[at];
      bytes[at] ^= (byte) (1 << at % 8);
      Files.write(changed, bytes);
      try {
        assertThat(noticed(changed)).as("byte %d", at).isPresent();
      } catch (NoSuchElementException noManifest) {
        assertThat(at).as("the name of the manifest").isPositive();
      }
      bytes[at] = old;
    }
  }

  /** With right checksums, so that only hashes can tell. */
  @Property(tries = 400)
  void everyRecordIsWatched(@ForAll @IntRange(max = 1 << 20) int which, @ForAll byte value)
      throws IOException {
    ZipText zip = ZipText.of(output());
    var names =
        zip.records().keySet().stream().filter(n -> zip.records().get(n).length > 0).toList();
    byte[] record = zip.records().get(names.get(which % names.size()));
    record[which / names.size() % record.length] += value == 0 ? 1 : value;
    Path changed = Files.write(folder.resolve("record.pt"), zip.build());
    assertThat(noticed(changed)).isPresent();
  }

  /** Whatever stands in the description: it is read or refused, and never anything else. */
  @Property(tries = 2000)
  void nothingElseEscapes(@ForAll @IntRange(max = 1 << 20) int at, @ForAll byte value)
      throws IOException {
    ZipText zip = ZipText.of(output());
    byte[] text = description(zip);
    text[at % text.length] = value;
    read(zip);
  }

  private static void read(ZipText zip) throws IOException {
    Path changed = Files.write(folder.resolve("description.pt"), zip.build());
    try (ModelSource source = Originals.open(changed)) {
      for (TensorInfo tensor : source.info().tensors()) {
        source.read(tensor, 0, (int) tensor.bytes());
      }
      for (EncodedWeight weight : source.info().quantized()) {
        source.readTile(weight, new RowRange(0, (int) weight.matrix().rowCount()));
      }
    } catch (ModelFormatException refused) {
      assertThat(refused.getMessage()).doesNotContain("\n").endsWith(".");
    }
  }

  private static byte[] description(ZipText zip) {
    return zip.records().entrySet().stream()
        .filter(e -> e.getKey().endsWith("/" + Records.DESCRIPTION))
        .findFirst()
        .orElseThrow()
        .getValue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'version':1 | 'version':2 | VERSION | another version",
        "'version':1 | 'version':1,'more':1 | METADATA | exactly",
        "{'dropped' | {'dropped':{},'dropped' | DUPLICATE_KEY | dropped",
        "'dropped':{ | 'dropped':{'x':1, | METADATA | no text",
        "'layers':[ | 'layers':[1, | METADATA | layer",
        "'layers':[ | 'layers':7,'x':[ | METADATA | exactly",
        "'kind':'Linear','name':'fc1' | 'kind':'','name':'fc1' | METADATA | no kind",
        "'weight':'fc1.weight' | 'weight':'fc9.weight' | METADATA | fc9.weight",
        "'tensors':{'fc1.bias':{ | 'tensors':{'fc1.weight':{ | METADATA | plain tensor too",
        "'record':'data/1' | 'record':'data/0' | METADATA | no pickle has",
        "'record':'data/1' | 'record':'../x' | METADATA | no pickle has",
        "'offset':0,'record':'data/1' | 'offset':1,'record':'data/1' | METADATA | no pickle has",
        "'offset':0,'record':'data/1' | 'offset':-1,'record':'data/1' | METADATA | offset",
        "'dtype':'F32','offset':0,'record':'data/1' | 'dtype':'F33','offset':0,'record':'data/1' | METADATA | dtype",
        "'records':{'codes':'data/held0' | 'records':{'codes':'data/held1' | METADATA | implies",
        "'records':{'codes':'data/held0' | 'records':{'codes':'data/1' | METADATA | implies",
        "'records':{'codes':'data/held0' | 'records':{'codes':'code/__torch__/test.py' | METADATA | no pickle has",
        "'records':{'codes':'data/held0' | 'records':{'codes':1 | METADATA | no text",
        "'records':{'codes':'data/held0', | 'records':{ | METADATA | parts",
        "'mode':'weight-only' | 'mode':'magic' | METADATA | magic",
        "'storage':{} | 'storage':[] | METADATA | storage",
        "'row_axis':0 | 'row_axis':9999999999 | METADATA | fc1.weight",
        "'shape':[4,6],'storage' | 'shape':[4,7],'storage' | METADATA | fc1.weight",
        "'shape':[4,6],'storage' | 'shape':[4294967296,4294967296],'storage' | METADATA | fc1.weight",
        "'cell':[1,2] | 'cell':[2147483647,9223372036854775807] | METADATA | fc1.weight",
        "'cell':[1,2] | 'whole':[9223372036854775807,3] | METADATA | fc1.weight",
        "'type':'I4' | 'type':'I8' | METADATA | implies"
      })
  void aChangedDescriptionIsRefused(String from, String to, Reason reason, String mention)
      throws IOException {
    ZipText zip = ZipText.of(output());
    String name =
        zip.records().keySet().stream()
            .filter(n -> n.endsWith("/" + Records.DESCRIPTION))
            .findFirst()
            .orElseThrow();
    String text = new String(zip.records().get(name), StandardCharsets.UTF_8);
    String old = from.replace('\'', '"');
    assertThat(text).contains(old);
    zip.put(name, text.replace(old, to.replace('\'', '"')).getBytes(StandardCharsets.UTF_8));
    Path changed = Files.write(folder.resolve("changed.pt"), zip.build());
    assertThatThrownBy(() -> Originals.open(changed).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> {
              assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason);
              assertThat(e.getMessage()).contains(mention).doesNotContain("\n").endsWith(".");
            });
  }
}
