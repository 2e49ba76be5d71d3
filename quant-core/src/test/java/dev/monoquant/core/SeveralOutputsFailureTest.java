package dev.monoquant.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.Output;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.fakes.ForwardingOutput;
import dev.monoquant.testkit.fakes.ForwardingWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several outputs in one pass: all are refused or fail together. */
class SeveralOutputsFailureTest extends SeveralOutputs {

  @Test
  void outputsAtOnePlaceAreRefusedBeforeAnythingIsRead() {
    assertThatThrownBy(() -> run(to(A, "one"), to(B, "one"), to(Path.of("./a.memory"), "two")))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("./a.memory: two outputs of a run cannot have the same path");
    assertThatThrownBy(
            () -> run(to(Path.of("x.memory/in.memory"), "one"), to(Path.of("x.memory"), "one")))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("x.memory/in.memory: lies in the output x.memory");
    assertThat(reads).isEmpty();
  }

  @Test
  void aLinkToAnotherOutputIsTheSamePlace(@TempDir Path folder) throws IOException {
    Path real = Files.createDirectory(folder.resolve("real"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), real);
    assertThatThrownBy(
            () -> run(to(real.resolve("x.memory"), "one"), to(link.resolve("x.memory"), "two")))
        .hasMessageContaining("cannot have the same path");
  }

  @Test
  void oneExistingTargetRefusesAllBeforeAnyWork() {
    run(to(B, "one"));
    reads.clear();
    assertThatThrownBy(() -> run(to(A, "one"), to(B, "two")))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("b.memory");
    assertThat(reads).isEmpty();
    assertNothingAt(A);
  }

  @Test
  void aPlanWithErrorsRefusesAllAndNamesItsOutput() {
    Output nothing =
        new Output(B, QuantizationConfig.builder().scheme("one").exclude("l*").build());
    assertThatThrownBy(() -> run(to(A, "one"), nothing))
        .isInstanceOfSatisfying(
            PlanException.class,
            e ->
                assertThat(e.problems())
                    .anyMatch(
                        p ->
                            p.severity() == Problem.Severity.ERROR
                                && p.subject().equals("b.memory: m")));
    assertThatThrownBy(() -> run(to(A, "one"), to(B, "unknown")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("b.memory: ")
        .hasMessageContaining("unknown");
    assertNothingAt(A);
  }

  @Test
  void aGateThatOneOutputMissesRefusesAll() {
    List<Output> outputs = List.of(new Output(A, excludingOf("l1")), to(B, "one"), to(C, "two"));
    Quantizer gated = quantizer(output).withMaxSizeRatio(0.5);
    AtomicInteger told = new AtomicInteger();
    assertThatThrownBy(
            () ->
                gated.quantize(
                    model.input(),
                    outputs,
                    false,
                    reports -> {
                      told.set(reports.outputs().size());
                      assertThat(reports.accepted()).isFalse();
                    }))
        .isInstanceOf(ValidationException.class)
        .hasMessageStartingWith("a.memory: gate missed: ")
        .hasMessageNotContaining("b.memory");
    assertThat(told).hasValue(3);
    assertNothingAt(B);
    assertNothingAt(C);
  }

  /** A format whose writer for one target fails at one of its calls. */
  private OutputFormat failing(Path target, String call) {
    return new ForwardingOutput(output) {
      @Override
      protected OutputWriter opened(
          OutputWriter writer, OutputContents contents, WriteOptions options) {
        if (!options.target().equals(target)) {
          return writer;
        }
        return new ForwardingWriter(writer) {
          @Override
          public Optional<Path> finish() throws IOException {
            fail("finish");
            return super.finish();
          }

          @Override
          public void writeKept(TensorInfo tensor, long offset, ByteBuffer data)
              throws IOException {
            fail("writeKept");
            super.writeKept(tensor, offset, data);
          }

          @Override
          public List<Path> commit() throws IOException {
            fail("commit");
            return super.commit();
          }

          private void fail(String now) throws IOException {
            if (now.equals(call)) {
              throw new IOException("No space left on device");
            }
          }
        };
      }
    };
  }

  @Test
  void aFailureOfOneBeforeTheEndChangesNone() {
    for (String call : List.of("writeKept", "finish")) {
      assertThatThrownBy(
              () ->
                  quantizer(failing(B, call))
                      .quantize(
                          model.input(),
                          List.of(to(A, "one"), to(B, "two"), to(C, "two")),
                          false,
                          r -> {}))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("a.memory, b.memory, c.memory: it could not be written")
          .hasMessageContaining("No space left on device");
      for (Path target : List.of(A, B, C)) {
        assertNothingAt(target);
      }
      assertThat(output.breaches()).isEmpty();
      assertThat(model.openSources()).isZero();
    }
  }

  @Test
  void aFailureWhileTheyArePutInPlaceNamesThoseThatAre() {
    assertThatThrownBy(
            () ->
                quantizer(failing(B, "commit"))
                    .quantize(
                        model.input(),
                        List.of(to(A, "one"), to(B, "two"), to(C, "two")),
                        false,
                        r -> {}))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("b.memory: it could not be put in place")
        .hasMessageContaining("In place are a.memory; not b.memory, c.memory");
    assertThat(output.result(A).contents()).isNotEmpty();
    assertNothingAt(B);
    assertNothingAt(C);
    assertThat(output.breaches()).isEmpty();
  }

  @Test
  void aCancelledRunChangesNone() {
    Cancellation cancellation = new Cancellation();
    OutputFormat cancelling =
        new ForwardingOutput(output) {
          @Override
          protected OutputWriter opened(
              OutputWriter writer, OutputContents contents, WriteOptions options) {
            return new ForwardingWriter(writer) {
              @Override
              public Optional<Path> finish() throws IOException {
                if (options.target().equals(B)) {
                  cancellation.cancel();
                }
                return super.finish();
              }
            };
          }
        };
    assertThatThrownBy(
            () ->
                quantizer(cancelling)
                    .withCancellation(cancellation)
                    .quantize(model.input(), List.of(to(A, "one"), to(B, "two")), false, r -> {}))
        .isInstanceOf(CancellationException.class);
    Thread.interrupted();
    assertNothingAt(A);
    assertNothingAt(B);
    assertThat(model.openSources()).isZero();
  }

  @Test
  void noOutputIsAnError() {
    assertThatThrownBy(() -> run())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no output is given");
  }
}
