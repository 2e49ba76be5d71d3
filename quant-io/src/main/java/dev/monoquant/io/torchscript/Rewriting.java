package dev.monoquant.io.torchscript;

import dev.monoquant.script.Rewriter;
import dev.monoquant.script.Rewritten;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.Optional;

/** What makes a program run quantized weights; files are the same whatever it does to code. */
interface Rewriting {

  /** The real one. */
  Factory REAL =
      archive ->
          new Rewriting() {
            @Override
            public Optional<String> refusal(EncodedWeight weight) {
              return archive.script().rewriter().refusal(weight);
            }

            @Override
            public Rewritten rewrite(List<EncodedWeight> weights, List<String> kept) {
              return archive.script().rewriter().rewrite(weights, kept);
            }
          };

  /** Understands an archive. */
  @FunctionalInterface
  interface Factory {
    Rewriting of(ScriptArchive archive);
  }

  /** See {@link Rewriter#refusal}. */
  Optional<String> refusal(EncodedWeight weight);

  /** See {@link Rewriter#rewrite}. */
  Rewritten rewrite(List<EncodedWeight> weights, List<String> kept);
}
