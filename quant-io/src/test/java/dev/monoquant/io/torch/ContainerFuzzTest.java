package dev.monoquant.io.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.testing.Fuzz;
import dev.monoquant.files.testing.Sweep;
import dev.monoquant.files.testing.ZipText;
import dev.monoquant.io.checkpoint.TorchCheckpointFormat;
import dev.monoquant.io.torchscript.TorchScriptFormat;
import dev.monoquant.spi.InputFormatDetector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Mutated archives: header fields set to values that hurt, records swapped, bytes changed with the
 * checksums made right again. Only refusals by type come out, and no other bytes than the
 * original's for a header that says something else.
 */
@AddLifecycleHook(Sweep.class)
class ContainerFuzzTest {

  private static final long[] HURTFUL = {
    0,
    1,
    2,
    8,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fffffffL,
    0x80000000L,
    0xfffffffeL,
    0xffffffffL
  };

  private static ZipText checkpoint() throws IOException {
    return ZipText.of(TorchOracleTest.oracle("training.pt"));
  }

  private static ZipText script() throws IOException {
    return ZipText.of(TorchCorpusTest.corpus().resolve("torchscript/ts_ok_plain_attribute.pt"));
  }

  private static InputFormatDetector detector(boolean script) {
    return script ? new TorchScriptFormat() : new TorchCheckpointFormat();
  }

  @Example
  void unchangedArchivesAreRead() throws IOException {
    assertThat(Fuzz.read(detector(false), checkpoint().build())).isEmpty();
    assertThat(Fuzz.read(detector(true), script().build())).isEmpty();
  }

  @Property(tries = 1500)
  void headerFields(
      @ForAll boolean script,
      @ForAll @Size(min = 1, max = 3) List<@IntRange(max = 1 << 20) Integer> which,
      @ForAll @IntRange(max = 40) int value)
      throws IOException {
    ZipText zip = script ? script() : checkpoint();
    byte[] bytes = zip.build();
    ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int pick : which) {
      ZipText.Field field = zip.fields().get(pick % zip.fields().size());
      long old = field.bytes() == 2 ? out.getShort(field.at()) : out.getInt(field.at());
      long set = value < HURTFUL.length ? HURTFUL[value] : old + value - 27;
      if (field.bytes() == 2) {
        out.putShort(field.at(), (short) set);
      } else {
        out.putInt(field.at(), (int) set);
      }
    }
    Fuzz.read(detector(script), bytes);
  }

  /** The checksums are right, so the damage reaches what is behind them. */
  @Property(tries = 1500)
  void recordBytes(
      @ForAll boolean script,
      @ForAll @IntRange(max = 1 << 20) int record,
      @ForAll @Size(min = 1, max = 4) List<@IntRange(max = 1 << 20) Integer> where,
      @ForAll byte value)
      throws IOException {
    ZipText zip = script ? script() : checkpoint();
    List<String> names =
        zip.records().keySet().stream()
            .filter(n -> zip.records().get(n).length > 0 && !n.matches(".*/data/\\d+"))
            .toList();
    String name = names.get(record % names.size());
    byte[] bytes = zip.records().get(name);
    for (int at : where) {
      bytes[at % bytes.length] += value == 0 ? 1 : value;
    }
    Fuzz.read(detector(script), zip.build());
  }

  @Property(tries = 500)
  void recordsAreCutSwappedAndRenamed(
      @ForAll boolean script,
      @ForAll @IntRange(max = 1 << 20) int one,
      @ForAll @IntRange(max = 1 << 20) int other,
      @ForAll @IntRange(max = 3) int how)
      throws IOException {
    ZipText zip = script ? script() : checkpoint();
    List<String> names = new ArrayList<>(zip.records().keySet());
    String a = names.get(one % names.size());
    String b = names.get(other % names.size());
    byte[] bytes = zip.records().get(a);
    switch (how) {
      case 0 -> zip.put(a, Arrays.copyOf(bytes, bytes.length / 2));
      case 1 -> {
        zip.put(a, zip.records().get(b));
        zip.put(b, bytes);
      }
      case 2 -> {
        zip.records().remove(a);
        zip.put(b + (char) (other % 128), bytes);
      }
      default -> zip.deflate(a);
    }
    Fuzz.read(detector(script), zip.build());
  }

  @Property(tries = 500)
  void bytesAreCutInsertedAndRepeated(
      @ForAll boolean script,
      @ForAll @IntRange(max = 1 << 20) int from,
      @ForAll @IntRange(max = 200) int length,
      @ForAll boolean repeat)
      throws IOException {
    byte[] bytes = (script ? script() : checkpoint()).build();
    int at = from % bytes.length;
    int end = Math.min(bytes.length, at + length);
    byte[] head = Arrays.copyOf(bytes, repeat ? end : at);
    byte[] out = Arrays.copyOf(head, head.length + bytes.length - (repeat ? at : end));
    int rest = repeat ? at : end;
    System.arraycopy(bytes, rest, out, head.length, bytes.length - rest);
    Fuzz.read(detector(script), out);
  }

  /**
   * The local headers of the corpus have data descriptors and zip64 records, those here have not.
   */
  @Property(tries = 700)
  void genuineArchives(
      @ForAll @IntRange(max = 3) int file,
      @ForAll @Size(min = 1, max = 3) List<@IntRange(max = 1 << 20) Integer> where,
      @ForAll @IntRange(min = 1, max = 255) int change)
      throws IOException {
    String[] names = {
      "torch/pt_ok_crc_not_computed.pt",
      "torch/pt_ok_plain_zip.pt",
      "torch/pt_ok_state_dict.pt",
      "torchscript/ts_ok_half.pt"
    };
    Path path = TorchCorpusTest.corpus().resolve(names[file]);
    byte[] bytes = Files.readAllBytes(path);
    for (int at : where) {
      bytes[at % bytes.length] ^= (byte) change;
    }
    Fuzz.read(detector(names[file].startsWith("torchscript")), bytes);
  }

  @Property(tries = 300)
  void anyBytesAfterAMagicNumber(@ForAll @IntRange(max = 3) int magic, @ForAll byte[] bytes)
      throws IOException {
    byte[][] starts = {
      {'P', 'K', 3, 4},
      {'P', 'K', 5, 6},
      {
        (byte) 0x80,
        2,
        (byte) 0x8a,
        10,
        0x6c,
        (byte) 0xfc,
        (byte) 0x9c,
        0x46,
        (byte) 0xf9,
        0x20,
        0x6a,
        (byte) 0xa8,
        0x50,
        0x19,
        '.'
      },
      {}
    };
    byte[] start = starts[magic];
    byte[] all = Arrays.copyOf(start, start.length + bytes.length);
    System.arraycopy(bytes, 0, all, start.length, bytes.length);
    Fuzz.read(detector(false), all);
    Fuzz.read(detector(true), all);
  }

  @Property(tries = 1000)
  void legacyFiles(
      @ForAll boolean genuine,
      @ForAll @Size(min = 1, max = 4) List<@IntRange(max = 1 << 20) Integer> where,
      @ForAll @IntRange(min = 1, max = 255) int change)
      throws IOException {
    byte[] bytes =
        Files.readAllBytes(
            genuine
                ? TorchOracleTest.oracle("legacy_types.pth")
                : TorchCorpusTest.corpus().resolve("torch/pt_ok_legacy_assembled.pth"));
    for (int at : where) {
      bytes[14 + at % (bytes.length - 14)] ^= (byte) change;
    }
    Fuzz.read(detector(false), bytes);
  }
}
