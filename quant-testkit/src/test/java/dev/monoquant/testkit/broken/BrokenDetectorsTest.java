package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.data.ForeignInputs;
import dev.monoquant.testkit.example.FlatFormat;
import dev.monoquant.testkit.fakes.ForwardingSource;
import dev.monoquant.testkit.laws.DetectorLaws;
import dev.monoquant.testkit.laws.SourceCase;
import dev.monoquant.testkit.laws.SourceLaws;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Detectors with one fault each, and the one law that must see it. */
class BrokenDetectorsTest {

  @TempDir private Path folder;

  @Test
  void soundOneBreaksNone() throws IOException {
    assertThat(caught(new FlatFormat())).isEmpty();
  }

  /** Takes every input for a file that can be read. Caught by {@code probeNeverThrows}. */
  @Test
  void throwsOnForeignBytes() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public Match probe(ModelInput input) {
            if (input instanceof ModelInput.OfPath file && Files.isRegularFile(file.path())) {
              try (InputStream in = Files.newInputStream(file.path())) {
                ByteBuffer.wrap(in.readNBytes(Long.BYTES)).getLong();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            }
            return super.probe(input);
          }
        };
    assertThat(caught(format)).containsExactly("probeNeverThrows");
  }

  /** Reads files to their end. Caught by {@code probeReadsTheBeginning}. */
  @Test
  void readsToTheEnd() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public Match probe(ModelInput input) {
            if (input instanceof ModelInput.OfPath file && Files.isRegularFile(file.path())) {
              try {
                return super.probe(input) != Match.NONE
                        && Files.readAllBytes(file.path()).length > 9
                    ? Match.CERTAIN
                    : Match.NONE;
              } catch (IOException e) {
                return Match.NONE;
              }
            }
            return super.probe(input);
          }
        };
    assertThat(caught(format)).containsExactly("probeReadsTheBeginning");
  }

  /** Answers by turns. Caught by {@code probeRepeats}. */
  @Test
  void changesItsMind() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          private int calls;

          @Override
          public Match probe(ModelInput input) {
            return super.probe(input) == Match.NONE && calls++ % 2 == 0
                ? Match.NONE
                : Match.CERTAIN;
          }
        };
    assertThat(caught(format)).containsExactly("probeRepeats");
  }

  /** Leaves a note beside the file. Caught by {@code probeChangesNothing}. */
  @Test
  void leavesNotes() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public Match probe(ModelInput input) {
            if (input instanceof ModelInput.OfPath file && Files.exists(file.path())) {
              try {
                Path note = file.path().resolveSibling("note");
                String seen = Files.exists(note) ? Files.readString(note) : "";
                Files.writeString(note, seen + "seen ");
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            }
            return super.probe(input);
          }
        };
    assertThat(caught(format)).containsExactly("probeChangesNothing");
  }

  /** Fills up with zeros what a file lacks. Caught by {@code truncationIsNoticed}. */
  @Test
  void believesTruncatedFiles() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          protected byte[] data(ByteBuffer in, long length) {
            // Only so much is made up that a wrong count does not eat all memory.
            if (length <= in.remaining() || length > 1000) {
              return super.data(in, length);
            }
            byte[] data = new byte[(int) length];
            in.get(data, 0, in.remaining());
            return data;
          }
        };
    assertThat(caught(format)).containsExactly("truncationIsNoticed");
  }

  /** Tells damage in an exception of its own. Caught by {@code damageIsReported}. */
  @Test
  void tellsDamageInItsOwnWay() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
            try {
              return super.open(input, limits);
            } catch (ModelFormatException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    assertThat(caught(format)).containsExactly("damageIsReported");
  }

  /** Has a name that no recipe can spell. Caught by {@code idIsValid}. */
  @Test
  void hasAnIdWithSpaces() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public String id() {
            return "my flat format";
          }
        };
    assertThat(caught(format)).containsExactly("idIsValid");
  }

  /** Takes maps, and casts them. Caught by {@code openReportsRefusals}. */
  @Test
  void castsWhatItTakes() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public Match probe(ModelInput input) {
            return input instanceof ModelInput.OfMap ? Match.CERTAIN : super.probe(input);
          }

          @Override
          public ModelSource open(ModelInput input, ReadLimits limits) throws IOException {
            return super.open((ModelInput.OfPath) input, limits);
          }
        };
    assertThat(caught(format)).containsExactly("openReportsRefusals");
  }

  /** Accepts no input. Caught by {@code opensItsSample}. */
  @Test
  void doesNotKnowItsOwn() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public Match probe(ModelInput input) {
            return Match.NONE;
          }
        };
    assertThat(caught(format)).containsExactly("opensItsSample");
  }

  private static final OptionSpec<Integer> SKIP =
      OptionSpec.integer("skip", 0, 0, 9, "How many tensors to pass over");

  /** Describes other options at each call. Caught by {@code optionsAreDescribed}. */
  @Test
  void describesOtherOptionsEachTime() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          private int calls;

          @Override
          public List<OptionSpec<?>> options() {
            return List.of(OptionSpec.flag("call-" + calls++, true, "Whether it is called"));
          }
        };
    assertThat(caught(format)).containsExactly("optionsAreDescribed");
  }

  /** Passes over a tensor unless it is told not to. Caught by {@code noOptionsOpenAsDefaults}. */
  @Test
  void hasADefaultOfItsOwn() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public List<OptionSpec<?>> options() {
            return List.of(SKIP);
          }

          @Override
          public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
              throws IOException {
            int skip = Integer.parseInt(options.texts().getOrDefault("skip", "1"));
            return without(super.open(input, limits), skip);
          }
        };
    assertThat(caught(format)).containsExactly("noOptionsOpenAsDefaults");
  }

  /** Allows to pass over more than there is. Caught by {@code optionsAreTakenOrRefused}. */
  @Test
  void allowsWhatItCannotTake() throws IOException {
    FlatFormat format =
        new FlatFormat() {
          @Override
          public List<OptionSpec<?>> options() {
            return List.of(SKIP);
          }

          @Override
          public ModelSource open(ModelInput input, ReadLimits limits, OptionValues options)
              throws IOException {
            return without(super.open(input, limits), options.get(SKIP));
          }
        };
    assertThat(caught(format)).containsExactly("optionsAreTakenOrRefused");
  }

  private static ModelSource without(ModelSource source, int first) {
    List<TensorInfo> rest = source.info().tensors().subList(first, source.info().tensors().size());
    return new ForwardingSource(source) {
      @Override
      public ModelInfo info() {
        return super.info().withTensors(rest);
      }
    };
  }

  private Set<String> caught(InputFormatDetector format) throws IOException {
    List<DetectorLaws.Case> foreign =
        ForeignInputs.in(Files.createDirectory(folder.resolve("foreign"))).stream()
            .map(input -> new DetectorLaws.Case(format, input, folder))
            .toList();
    Path own = Files.createDirectory(folder.resolve("own"));
    Set<String> broken = new TreeSet<>(Caught.by(DetectorLaws.all(), foreign));
    broken.addAll(Caught.by(SourceLaws.all(), List.of(own(format, own))));
    return broken;
  }

  /** A model of the format itself. */
  static SourceCase own(InputFormatDetector format, Path folder) throws IOException {
    return new SourceCase(format, ModelInput.of(FlatFormat.write(folder.resolve("sample.flat"))));
  }
}
