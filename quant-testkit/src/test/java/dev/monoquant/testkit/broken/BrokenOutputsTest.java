package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.monoquant.OutputException;
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
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.testkit.example.FlatOutput;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.testkit.fakes.MemoryOutput;
import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.OutputCase;
import dev.monoquant.testkit.laws.OutputFormatLaws;
import dev.monoquant.testkit.laws.ReadBackLaws;
import dev.monoquant.testkit.laws.TransactionLaws;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.junit.jupiter.api.Test;

/** Output formats with one fault each, and the one law that must see it. */
class BrokenOutputsTest {

  private static Set<String> caught(OutputFormat format) {
    List<Law<OutputCase>> laws = new ArrayList<>(OutputFormatLaws.all());
    laws.addAll(TransactionLaws.all());
    return Caught.by(laws, List.of(sample(format)));
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

  /** Lists a mix that it does not have. Caught by {@code mixesAreFound}. */
  @Test
  void listsAMixThatItDoesNotHave() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          public List<String> mixes() {
            return List.of("HALF");
          }
        };
    assertThat(caught(broken)).containsExactly("mixesAreFound");
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

  /** Replaces an existing file. Caught by {@code existingTargetsStay}. */
  @Test
  void overwrites() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          protected OutputWriter write(OutputContents contents, WriteOptions options)
              throws IOException {
            return super.write(contents, new WriteOptions(options.target(), true, false, false));
          }
        };
    assertThat(caught(broken)).containsExactly("existingTargetsStay");
  }

  /** Clears the place when it opens. Caught by {@code replacesOnlyOnCommit}. */
  @Test
  void deletesTooEarly() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          protected OutputWriter write(OutputContents contents, WriteOptions options)
              throws IOException {
            if (options.overwrite()) {
              Files.deleteIfExists(options.target());
            }
            return super.write(contents, options);
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

  /** Writes under the name of the target. Caught by {@code aKilledRunLeavesNoModel}. */
  @Test
  void writesWhereEverybodySeesIt() {
    assertThat(
            caught(
                wrapping(
                    (target, sink) ->
                        new ForwardingWriter(sink) {
                          private final boolean first = !Files.exists(target);

                          @Override
                          public void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
                              throws IOException {
                            super.writeKept(tensor, offset, data);
                            if (first) {
                              Files.write(target, new byte[1]);
                            }
                          }

                          @Override
                          public void close() throws IOException {
                            super.close();
                            if (first && Files.exists(target) && Files.size(target) == 1) {
                              Files.delete(target);
                            }
                          }
                        })))
        .containsExactly("aKilledRunLeavesNoModel");
  }

  /** Collects the model in memory. Caught by {@code streams}. */
  @Test
  void collectsInMemory() {
    FlatOutput broken =
        new FlatOutput() {
          private final Deque<OutputWriter> collected = new ConcurrentLinkedDeque<>();

          @Override
          protected OutputWriter write(OutputContents contents, WriteOptions options)
              throws IOException {
            OutputWriter memory =
                new MemoryOutput()
                    .open(MemoryModel.named("none").build().open())
                    .layout(contents)
                    .open(options);
            collected.add(memory);
            return new ForwardingWriter(super.write(contents, options)) {
              @Override
              public synchronized void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
                  throws IOException {
                memory.writeKept(tensor, offset, data.duplicate().order(data.order()));
                super.writeKept(tensor, offset, data);
              }
            };
          }
        };
    assertThat(caught(broken)).containsExactly("streams");
  }

  private static String violated(Runnable law) {
    Throwable thrown = catchThrowable(law::run);
    return thrown instanceof LawViolation violation ? violation.law() : String.valueOf(thrown);
  }

  /** Starts anew when it is to be resumed. Caught by {@code refusesToResume}. */
  @Test
  void ignoresThatItIsToBeResumed() {
    FlatOutput broken =
        new FlatOutput() {
          @Override
          protected OutputWriter write(OutputContents contents, WriteOptions options)
              throws IOException {
            return super.write(
                contents, new WriteOptions(options.target(), options.overwrite(), false, false));
          }
        };
    assertThat(violated(() -> TransactionLaws.refusesToResume(sample(broken))))
        .isEqualTo("refusesToResume");
    assertThat(violated(() -> TransactionLaws.resumes(sample(broken)))).isEqualTo("resumes");
  }

  /** A format that goes on with whatever file is there under its temporary name. */
  private static class Resuming extends FlatOutput {
    @Override
    protected OutputWriter write(OutputContents contents, WriteOptions options) throws IOException {
      Path journal = options.target().resolveSibling(options.target().getFileName() + ".journal");
      Properties before = new Properties();
      if (options.resume() && Files.exists(journal)) {
        try (InputStream in = Files.newInputStream(journal)) {
          before.load(in);
        }
        if (!contents.provenance().orElseThrow().tool().equals(before.getProperty("tool", ""))) {
          throw new OutputException(options.target() + " is of another tool");
        }
      }
      Properties now = new Properties();
      now.setProperty("tool", contents.provenance().orElseThrow().tool());
      Path temporary = options.target().resolveSibling(options.target().getFileName() + ".tmp");
      byte[] there = Files.exists(temporary) ? Files.readAllBytes(temporary) : new byte[0];
      OutputWriter writer =
          super.write(
              contents, new WriteOptions(options.target(), options.overwrite(), false, false));
      if (options.resume()) {
        Files.write(temporary, there);
      }
      return new ForwardingWriter(writer) {
        @Override
        public synchronized void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
            throws IOException {
          if (tensor.name().equals("mask") && offset + data.remaining() == tensor.bytes()) {
            now.setProperty("mask", "whole");
          }
          super.writeKept(tensor, offset, data);
          try (OutputStream out = Files.newOutputStream(journal)) {
            now.store(out, "");
          }
        }

        @Override
        public Optional<String> finished(String name) {
          return Optional.ofNullable(before.getProperty(name)).map(r -> "");
        }

        @Override
        public List<Path> commit() throws IOException {
          Files.deleteIfExists(journal);
          return super.commit();
        }

        @Override
        public void close() throws IOException {
          Files.deleteIfExists(journal);
          super.close();
        }
      };
    }
  }

  @Test
  void aSoundOneResumes() {
    TransactionLaws.resumes(sample(new Resuming()));
  }

  /** Goes on with a run of another tool. Caught by {@code resumes}. */
  @Test
  void resumesWhateverIsThere() {
    Resuming broken =
        new Resuming() {
          @Override
          protected OutputWriter write(OutputContents contents, WriteOptions options)
              throws IOException {
            return super.write(
                new OutputContents(
                    contents.layers(),
                    contents.weights(),
                    contents.kept(),
                    Optional.of(Provenance.of("any", "1"))),
                options);
          }
        };
    assertThat(violated(() -> TransactionLaws.resumes(sample(broken)))).isEqualTo("resumes");
  }

  /** Calls finished what it has lost. Caught by {@code resumes}. */
  @Test
  void losesWhatItHadFinished() {
    Resuming broken =
        new Resuming() {
          @Override
          protected OutputWriter write(OutputContents contents, WriteOptions options)
              throws IOException {
            return new ForwardingWriter(super.write(contents, options)) {
              @Override
              public Optional<String> finished(String name) {
                return name.equals("head.bias") ? Optional.of("") : super.finished(name);
              }

              @Override
              public List<Path> commit() throws IOException {
                List<Path> files = super.commit();
                if (options.resume()) {
                  byte[] bytes = Files.readAllBytes(files.get(0));
                  bytes[bytes.length - 1] ^= 1;
                  Files.write(files.get(0), bytes);
                }
                return files;
              }
            };
          }
        };
    assertThat(violated(() -> TransactionLaws.resumes(sample(broken)))).isEqualTo("resumes");
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
      protected OutputWriter write(OutputContents contents, WriteOptions options)
          throws IOException {
        return wrapping.wrap(options.target(), super.write(contents, options));
      }
    };
  }
}
