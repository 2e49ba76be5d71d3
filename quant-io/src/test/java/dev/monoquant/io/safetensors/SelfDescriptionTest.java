package dev.monoquant.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.testing.Sample;
import dev.monoquant.files.testing.Sweep;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The description of quantized weights is as untrusted as the header it stands in. */
@AddLifecycleHook(Sweep.class)
class SelfDescriptionTest {

  private static final int MANY = 2_000;

  @TempDir Path folder;
  private Path scratch;

  private static Path write(Path folder) throws IOException {
    TensorInfo tensor = new TensorInfo("fc.weight", ElementType.FLOAT32, TensorShape.of(4, 6));
    Sample sample =
        new Sample(3)
            .keep("fc.bias", ElementType.FLOAT32, 4)
            .quantize(
                new EncodedWeight(
                    new WeightMatrix("fc", LayerKind.LINEAR, "weight", tensor, 0),
                    new SchemeId("int4", 1),
                    OptionValues.of(4, true, Granularity.group(2)),
                    Encoding.affine(
                        Part.perElement("codes", ElementType.INT4),
                        Part.perGroup("scale", ElementType.FLOAT32, 2))));
    Path path = folder.resolve("model.safetensors");
    sample.write(new SafetensorsOutput(), sample.request(path, true, sample.source()));
    return path;
  }

  /** Of many weights, 930 bytes of header each, little more than names and places is kept. */
  @Test
  void manyWeightsAreReadWithinABudgetOfTwiceTheHeader() throws IOException {
    Sample sample = new Sample(3);
    for (int i = 0; i < MANY; i++) {
      TensorInfo tensor =
          new TensorInfo("l" + i + ".weight", ElementType.FLOAT32, TensorShape.of(1, 2));
      sample.quantize(
          new EncodedWeight(
              new WeightMatrix("l" + i, LayerKind.LINEAR, "weight", tensor, 0),
              new SchemeId("int8", 1),
              OptionValues.of(8, true, Granularity.CHANNEL),
              Encoding.affine(
                  Part.perElement("codes", ElementType.INT8),
                  Part.perRow("scale", ElementType.FLOAT32))));
    }
    Path path = folder.resolve("many.safetensors");
    sample.write(new SafetensorsOutput(), sample.request(path, true, sample.source()));
    long header;
    try (SafetensorsFile file = SafetensorsFile.open(path, "many", ReadLimits.DEFAULT)) {
      header = file.dataStart();
    }
    ReadLimits enough = ReadLimits.DEFAULT.withMaxParsedBytes(2 * header);
    try (var read = new SafetensorsFormat().open(ModelInput.of(path), enough)) {
      assertThat(read.info().quantized()).hasSize(MANY);
    }
  }

  private static void replace(Path path, String from, String to) throws IOException {
    byte[] all = Files.readAllBytes(path);
    int length = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(all, 8, length, StandardCharsets.UTF_8);
    assertThat(header).contains(from);
    byte[] changed = header.replace(from, to).getBytes(StandardCharsets.UTF_8);
    byte[] data = Arrays.copyOfRange(all, 8 + length, all.length);
    ByteBuffer out =
        ByteBuffer.allocate(8 + changed.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(path, out.putLong(changed.length).put(changed).put(data).array());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "monoquant.version':'1 | monoquant.version':'2 | VERSION | \"2\"",
        "monoquant.version':'1 | other':'1 | VERSION | \"\"",
        "~row_axis~:0, | '' | METADATA | row_axis",
        "~row_axis~:0 | ~row_axis~:2 | METADATA | axis 2",
        "~row_axis~:0 | ~row_axis~:0,~more~:1 | METADATA | exactly",
        "~row_axis~:0 | ~row_axis~:0,~row_axis~:0 | DUPLICATE_KEY | row_axis",
        "~row_axis~:0 | ~row_axis~:0,, | METADATA | strict JSON",
        "~row_axis~:0 | ~row_axis~:9999999999 | METADATA | fc.weight",
        "~dtype~:~F32~ | ~dtype~:~F33~ | METADATA | F33",
        "~dtype~:~F32~ | ~dtype~:~I8~ | METADATA | no float type",
        "~scheme~:~int4@1~ | ~scheme~:~int4~ | METADATA | has no version",
        "~kind~:~Linear~ | ~kind~:~~ | METADATA | kind",
        "~granularity~:~group:2~ | ~granularity~:~group:0~ | METADATA | group:0",
        "~symmetric~:true | ~symmetric~:1 | METADATA | symmetric",
        "~extra~:{} | ~extra~:{~a~:1} | METADATA | option",
        "~extra~:{} | ~extra~:[] | METADATA | extra",
        "~cell~:[1,2] | ~cell~:[1,3] | METADATA | fc.weight_scale",
        "~cell~:[1,2] | ~cell~:[1,0] | METADATA | at least one",
        "~cell~:[1,2] | ~cell~:[1,~none~] | METADATA | cell",
        "~cell~:[1,2] | ~cell~:[2147483647,9223372036854775807] | METADATA | fc.weight_scale",
        "~cell~:[1,2] | ~whole~:[9223372036854775807,3] | METADATA | fc.weight",
        "~cell~:[1,2] | ~whole~:[4,2] | METADATA | fc.weight_scale",
        "~name~:~scale~ | ~name~:~codes~ | METADATA | two parts",
        "~name~:~scale~ | ~name~:~other~ | METADATA | fc.weight_other",
        "~name~:~scale~ | ~name~:~../x~ | METADATA | ../x",
        "~type~:~I4~ | ~type~:~I5~ | METADATA | [4, 4]",
        "~shape~:[4,6] | ~shape~:[4,7] | METADATA | fc.weight",
        "~shape~:[4,6] | ~shape~:[4294967296,4294967296] | METADATA | fc.weight",
        "~param~: | ~formula~:1,~param~: | METADATA | formula is no object",
        "~param~: | ~formula~:{},~param~: | METADATA | of kind \"none\"; there are cast",
        "~param~: | ~formula~:{~kind~:~magic~},~param~: | METADATA | \"magic\"",
        "~param~: | ~formula~:{~kind~:~cast~},~param~: | METADATA | values",
        "~param~: | ~formula~:{~kind~:~cast~,~values~:~codes~},~param~: | METADATA | a cast needs",
        "~param~: | ~formula~:{~codes~:~codes~,~kind~:~affine~,~scales~:1,~zero_point~:~~},~param~: | METADATA | scales is no array",
        "~param~: | ~formula~:{~codes~:~codes~,~kind~:~affine~,~scales~:[1],~zero_point~:~~},~param~: | METADATA | array of texts",
        "~param~: | ~formula~:{~codes~:~codes~,~kind~:~affine~,~scales~:[~/x~],~zero_point~:~~},~param~: | METADATA | a part x that is not there",
        "{~fc.weight~ | {~fc.bias~ | METADATA | fc.bias",
        "{~fc.weight~:{ | [~fc.weight~,{ | METADATA | strict JSON"
      })
  void aChangedDescriptionIsRefused(String from, String to, Reason reason, String mention)
      throws IOException {
    Path path = write(folder);
    new SafetensorsFormat().open(ModelInput.of(path), ReadLimits.DEFAULT).close();
    replace(path, quotes(from), quotes(to));
    assertThatThrownBy(
            () -> new SafetensorsFormat().open(ModelInput.of(path), ReadLimits.DEFAULT).close())
        .isInstanceOfSatisfying(
            ModelFormatException.class,
            e -> {
              assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason);
              assertThat(e.getMessage()).contains(mention).doesNotContain("\n");
            });
  }

  private static String quotes(String text) {
    return text.replace("~", "\\\"").replace("'", "\"");
  }

  @BeforeProperty
  void makeScratch() throws IOException {
    scratch = dev.monoquant.files.testing.Folders.make();
    write(scratch);
  }

  @AfterProperty
  void removeScratch() throws IOException {
    dev.monoquant.files.testing.Folders.delete(scratch);
  }

  /** Whatever stands in the file: it is read or refused, and never anything else. */
  @Property(tries = 3000)
  void nothingElseEscapes(
      @ForAll @IntRange(min = 0, max = 1200) int at,
      @ForAll byte value,
      @ForAll @IntRange(min = 0, max = 3) int cut)
      throws IOException {
    byte[] bytes = Files.readAllBytes(scratch.resolve("model.safetensors"));
    bytes[at % bytes.length] = value;
    Path path = scratch.resolve("changed.safetensors");
    Files.write(path, Arrays.copyOf(bytes, bytes.length - cut));
    try (var source = new SafetensorsFormat().open(ModelInput.of(path), ReadLimits.DEFAULT)) {
      for (EncodedWeight weight : source.info().quantized()) {
        source.readTile(weight, new RowRange(0, (int) weight.matrix().rowCount()));
      }
    } catch (ModelFormatException refused) {
      assertThat(refused.getMessage()).doesNotContain("\n");
    }
  }
}
