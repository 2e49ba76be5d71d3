package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.testkit.example.FlatOutput;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.OutputCase;
import dev.monoquant.testkit.laws.OutputFormatLaws;
import dev.monoquant.testkit.laws.ReadBackLaws;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Output formats with one fault each, and the one law that must see it. */
class BrokenOutputsTest {

  private static Set<String> caught(OutputFormat format) {
    return Caught.by(OutputFormatLaws.all(), List.of(sample(format)));
  }

  private static OutputCase sample(OutputFormat format) {
    return new OutputCase(format, "out.flat", EncodedSamples.ordinary());
  }

  @Test
  void soundOneBreaksNone() {
    assertThat(caught(new FlatOutput())).isEmpty();
  }

  /** Has a name that no recipe can spell. Caught by {@code idIsValid}. */
  @Test
  void hasAnIdWithSpaces() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          public String id() {
            return "my flat output";
          }
        };
    assertThat(caught(broken)).containsExactly("idIsValid");
  }

  /** Describes one option twice. Caught by {@code optionsAreDescribed}. */
  @Test
  void hasTwoOptionsOfOneName() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          public List<OptionSpec<?>> options() {
            return List.of(
                OptionSpec.flag("packed", true, "Whether codes are packed"),
                OptionSpec.integer("packed", 1, 1, 8, "How many codes share a byte"));
          }
        };
    assertThat(caught(broken)).containsExactly("optionsAreDescribed");
  }

  /** Forgets the names in its prediction. Caught by {@code predictsItsSize}. */
  @Test
  void predictsTooLittle() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          protected long bytes(OutputContents contents) {
            return super.bytes(contents) - 1;
          }
        };
    assertThat(caught(broken)).containsExactly("predictsItsSize");
  }

  /** Refuses by turns. Caught by {@code unsupportedRepeats}. */
  @Test
  void changesItsMind() {
    FlatOutput broken =
        new FlatOutput() {
          private int calls;

          @Override
          protected Optional<String> unsupported(EncodedWeight weight) {
            return calls++ % 2 == 0 ? Optional.empty() : Optional.of("not today");
          }
        };
    assertThat(caught(broken)).containsExactly("unsupportedRepeats");
  }

  /** Writes in the order of arrival. Caught by {@code orderDoesNotMatter}. */
  @Test
  void writesInOrderOfArrival() {
    assertThat(
            caught(
                wrapping(
                    (target, sink) ->
                        new ForwardingWriter(sink) {
                          private final List<String> arrived = new ArrayList<>();

                          @Override
                          public void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
                              throws IOException {
                            synchronized (arrived) {
                              arrived.add(tensor.name());
                            }
                            super.writeKept(tensor, offset, data);
                          }

                          @Override
                          public List<Path> commit() throws IOException {
                            List<Path> files = super.commit();
                            byte[] bytes = Files.readAllBytes(files.get(0));
                            bytes[bytes.length - 1] = (byte) arrived.get(0).hashCode();
                            Files.write(files.get(0), bytes);
                            return files;
                          }
                        })))
        .containsExactly("orderDoesNotMatter");
  }

  /** Overwrites whatever is there. Caught by {@code sparesWhatIsThere}. */
  @Test
  void overwrites() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          protected OutputWriter write(
              ModelSource source, OutputContents contents, WriteOptions options)
              throws IOException {
            return super.write(
                source, contents, new WriteOptions(options.target(), true, false, false));
          }
        };
    assertThat(caught(broken)).containsExactly("sparesWhatIsThere");
  }

  /** Clears the place when it opens. Caught by {@code replacesOnlyOnCommit}. */
  @Test
  void deletesTooEarly() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          protected OutputWriter write(
              ModelSource source, OutputContents contents, WriteOptions options)
              throws IOException {
            if (options.overwrite()) {
              Files.deleteIfExists(options.target());
            }
            return super.write(source, contents, options);
          }
        };
    assertThat(caught(broken)).containsExactly("replacesOnlyOnCommit");
  }

  /** Leaves a file under way behind. Caught by {@code leavesNoTraceWithoutCommit}. */
  @Test
  void leavesPartsBehind() {
    assertThat(
            caught(
                wrapping(
                    (target, sink) ->
                        new ForwardingWriter(sink) {
                          private final Path part =
                              Files.write(target.resolveSibling("part"), new byte[] {1});

                          @Override
                          public List<Path> commit() throws IOException {
                            Files.deleteIfExists(part);
                            return super.commit();
                          }
                        })))
        .containsExactly("leavesNoTraceWithoutCommit");
  }

  /** Says nothing of a second file. Caught by {@code commitNamesItsFiles}. */
  @Test
  void hidesFiles() {
    assertThat(
            caught(
                wrapping(
                    (target, sink) ->
                        new ForwardingWriter(sink) {
                          @Override
                          public List<Path> commit() throws IOException {
                            Files.write(target.resolveSibling("index.json"), new byte[1]);
                            return super.commit();
                          }
                        })))
        .containsExactly("commitNamesItsFiles");
  }

  /** Shares a buffer between threads. Caught by {@code threadsDoNotMatter}. */
  @Test
  void sharesItsBuffer() {
    assertThat(
            caught(
                wrapping(
                    (target, sink) ->
                        new ForwardingWriter(sink) {
                          private volatile Thread owner = Thread.currentThread();

                          @Override
                          public void writeTile(EncodedWeight weight, EncodedTile tile)
                              throws IOException {
                            if (owner != Thread.currentThread()) {
                              throw new IllegalStateException("a buffer is used by two threads");
                            }
                            super.writeTile(weight, tile);
                          }
                        })))
        .containsExactly("threadsDoNotMatter");
  }

  /** Loses a tensor when it reads. Caught by {@code readsBack}. */
  @Test
  void losesTensors() {
    InputFormatDetector empty =
        new InputFormatDetector() {
          @Override
          public String id() {
            return "acme/empty";
          }

          @Override
          public Match probe(ModelInput input) {
            return Match.CERTAIN;
          }

          @Override
          public ModelSource open(ModelInput input, ReadLimits limits) {
            return MemoryModel.named("empty").build().open();
          }
        };
    assertThatThrownBy(() -> ReadBackLaws.readsBack(sample(new FlatOutput()), empty))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("readsBack"));
  }

  private interface Wrapping {
    OutputWriter wrap(Path target, OutputWriter sink) throws IOException;
  }

  private static OutputFormat wrapping(Wrapping wrapping) {
    return new FlatOutput() {
      @Override
      protected OutputWriter write(
          ModelSource source, OutputContents contents, WriteOptions options) throws IOException {
        return wrapping.wrap(options.target(), super.write(source, contents, options));
      }
    };
  }
}
